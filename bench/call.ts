import { loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import { callAims, HEAD, type Round, rowsOf } from "./call/rows.ts";
import { castOf, type Subject } from "./call/subjects.ts";
import { NodeHome } from "./node.ts";
import type { Load, LoadResult } from "./support/load.ts";
import type { BenchOptions } from "./support/options.ts";
import { Processes } from "./support/processes.ts";
import { summarise, windowOf } from "./support/profile.ts";
import { profileTables } from "./support/profile-table.ts";
import { type Part, type Report, raw, reportOf } from "./support/report.ts";
import { orderOf } from "./support/rotation.ts";
import { count } from "./support/table.ts";
import { watching } from "./support/watch.ts";

/*
 * HTTP call → durable counter → reply, at 1 to 1024 connections, beside what it stands on: the function
 * alone, called with the very bytes a node would send it, and a plain Node proxy before it; and beside Restate.
 * The function is on our SDK, asked for many addresses in a request, or on the official one, asked for one.
 * Each is a process of its own, one after the other in every round, in an order that changes, so that a noisy
 * machine is noisy for all. All are warmed up before the first round. `--only` names connections.
 */
const CONNECTIONS = [1, 16, 64, 256, 1024];
const PROFILED_CONNECTIONS = 256;
const WARM_UP = { connections: 64, seconds: 4 };
const IDS = 100_000;

export async function benchCall(options: BenchOptions): Promise<Report> {
  const processes = new Processes();
  let remove = async (): Promise<void> => {};
  try {
    const cast = await castOf(processes);
    remove = cast.remove;
    const parts = await measure(processes, cast.subjects, options);
    const profile = options.profile ? await profiled(cast.functionPort, options) : "";
    return reportOf(...parts, ...cast.notes, profile);
  } finally {
    await processes.end();
    await remove();
  }
}

async function measure(
  processes: Processes,
  subjects: readonly Subject[],
  { rounds, seconds, only }: BenchOptions,
): Promise<Part[]> {
  for (const subject of subjects) subject.pausable?.pause();
  for (const subject of subjects) {
    await run(processes, subject, loadOf(subject, WARM_UP.connections, WARM_UP.seconds));
  }
  const rows: string[][] = [];
  const notes: Part[] = [];
  for (const connections of only.length === 0 ? CONNECTIONS : only.map(Number)) {
    const found = new Map(subjects.map(({ name }) => [name, [] as Round[]]));
    for (let round = 0; round < rounds; round++) {
      for (const subject of orderOf(subjects, round)) {
        const load = loadOf(subject, connections, seconds);
        found.get(subject.name)?.push(await run(processes, subject, load));
      }
    }
    rows.push(...rowsOf(connections, found));
    notes.push(...callAims(connections, found));
    for (const [name, of] of found) {
      const label = `${name}, ${connections} connections`;
      const perSecond = of.map((each) => each.perSecond);
      notes.push(raw(`${label}, calls/s`, perSecond));
      const loads = of.map((each) => each.machineLoad);
      notes.push(raw(`${label}, load of the machine`, loads, 1));
    }
  }
  return [{ head: HEAD, rows }, ...notes];
}

async function run(
  processes: Processes,
  { processes: watched, pausable, died }: Subject,
  load: Load,
): Promise<Round> {
  pausable?.resume();
  const machineLoad = loadavg()[0] ?? 0;
  const generator = processes.child("support/load.js");
  const measuring = watching(watched, () => generator.ask<LoadResult>(load));
  const { result, spent } = await Promise.race([measuring, died]);
  generator.kill();
  pausable?.pause();
  return { ...result, spent, machineLoad };
}

/** One more round, of a node alone, at the connections of the aim. */
async function profiled(functionPort: number, { seconds }: BenchOptions): Promise<string> {
  const processes = new Processes();
  const home = await NodeHome.make(processes, { port: functionPort });
  try {
    const node = await home.start({ profiled: true });
    const load = loadOf({ port: node.port, shape: "call" }, PROFILED_CONNECTIONS, seconds);
    const beganAtMs = performance.now();
    const result = await processes.child("support/load.js").ask<LoadResult>(load);
    const window = windowOf(beganAtMs + load.warmUpMs, performance.now());
    const per = { count: (result.perSecond * load.measureMs) / 1000, unit: "call" };
    const summary = summarise(await home.profileOf(node), window);
    const title = `a node at ${count(result.perSecond)} calls/s over ${PROFILED_CONNECTIONS} connections`;
    return `\n${profileTables(title, summary, per)}`;
  } finally {
    await processes.end();
    await home.remove();
  }
}

function loadOf(
  { port, shape }: Pick<Subject, "port" | "shape">,
  connections: number,
  seconds: number,
): Load {
  const [warmUpMs, measureMs] = [seconds * 500, seconds * 1000];
  return { port, shape, connections, ids: IDS, warmUpMs, measureMs };
}
