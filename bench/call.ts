import { performance } from "node:perf_hooks";
import type { FunctionsAnswer } from "./functions.ts";
import { NodeHome, startNode } from "./node.ts";
import type { ProxyQuestion } from "./proxy.ts";
import type { Shape } from "./requests.ts";
import type { Load, LoadResult } from "./support/load.ts";
import type { BenchOptions } from "./support/options.ts";
import { Processes } from "./support/processes.ts";
import { summarise, windowOf } from "./support/profile.ts";
import { profileTables } from "./support/profile-table.ts";
import { count, median, ms, table } from "./support/table.ts";

/*
 * HTTP call → durable counter → reply, at 1 to 1024 connections, beside what it stands on: the function
 * alone, called with the very bytes a node would send it, and a plain Node proxy before it. Each in its
 * own process, one after the other in every round, so that a noisy machine is noisy for all.
 */
const CONNECTIONS = [1, 16, 64, 256, 1024];
const PROFILED_CONNECTIONS = 256;
const IDS = 100_000;

interface Subject {
  readonly name: string;
  readonly port: number;
  readonly shape: Shape;
}

export async function benchCall(options: BenchOptions): Promise<string> {
  const processes = new Processes();
  let removeData: () => Promise<void> = async () => {};
  try {
    const functions = await processes.child("functions.js").ask<FunctionsAnswer>({});
    const question: ProxyQuestion = { functionPort: functions.port };
    const proxy = await processes.child("proxy.js").ask<{ port: number }>(question);
    const subjects: Subject[] = [
      { name: "function alone", port: functions.port, shape: "protocol" },
      { name: "plain proxy", port: proxy.port, shape: "protocol" },
    ];
    const node = await startNode(processes, functions.port);
    if (node !== undefined) {
      removeData = node.removeData;
      subjects.push({ name: "statefold", port: node.port, shape: "call" });
    }
    const note =
      node === undefined
        ? "\nstatefold itself is not there yet: its command line is not built\n"
        : "";
    const profile = options.profile ? await profiled(functions.port, options) : "";
    return (await measure(processes, subjects, options)) + note + profile;
  } finally {
    await processes.end();
    await removeData();
  }
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

function loadOf({ port, shape }: Omit<Subject, "name">, connections: number, seconds: number) {
  const [warmUpMs, measureMs] = [seconds * 500, seconds * 1000];
  return { port, shape, connections, ids: IDS, warmUpMs, measureMs } satisfies Load;
}

async function measure(
  processes: Processes,
  subjects: readonly Subject[],
  { rounds, seconds }: BenchOptions,
): Promise<string> {
  const rows: string[][] = [];
  for (const connections of CONNECTIONS) {
    const results = new Map(subjects.map((subject) => [subject, [] as LoadResult[]]));
    for (let round = 0; round < rounds; round++) {
      for (const subject of subjects) {
        const load = loadOf(subject, connections, seconds);
        const generator = processes.child("support/load.js");
        results.get(subject)?.push(await generator.ask<LoadResult>(load));
        generator.kill();
      }
    }
    let base = 0;
    for (const [subject, found] of results) {
      const perSecond = median(found.map((each) => each.perSecond));
      if (base === 0) base = perSecond;
      rows.push(rowOf(subject.name, connections, found, perSecond / base));
    }
  }
  const head = [
    "call",
    "connections",
    "calls/s",
    "of the function",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "errors",
  ];
  return table(head, rows);
}

function rowOf(
  name: string,
  connections: number,
  results: readonly LoadResult[],
  ratio: number,
): string[] {
  const middle = (pick: (result: LoadResult) => number): number => median(results.map(pick));
  const errors = results.reduce((sum, each) => sum + each.errors, 0);
  const firstError = results.find((each) => each.firstError !== undefined)?.firstError ?? "";
  return [
    name,
    String(connections),
    count(middle((each) => each.perSecond)),
    `${(ratio * 100).toFixed(0)} %`,
    ms(middle((each) => each.p50Ms)),
    ms(middle((each) => each.p99Ms)),
    ms(middle((each) => each.p999Ms)),
    errors === 0 ? "0" : `${errors}: ${firstError.replaceAll(/\s+/g, " ").slice(0, 100)}`,
  ];
}
