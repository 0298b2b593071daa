import { performance } from "node:perf_hooks";
import type { FunctionsAnswer } from "./functions.ts";
import { NodeHome } from "./node.ts";
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
 * own process, one after the other in every round, so that a noisy machine is noisy for all. A node that sends
 * its function one call a request shows what frames are worth. All are warmed up before the first round.
 */
const CONNECTIONS = [1, 16, 64, 256, 1024];
const PROFILED_CONNECTIONS = 256;
const FUNCTION = "function alone";
const PROXY = "plain proxy";
const WARM_UP = { connections: 64, seconds: 4 };
/** One call a request. */
const SINGLE = ["  transport: {type: io.statefun.transports.v1/okhttp}"];
const IDS = 100_000;

interface Subject {
  readonly name: string;
  readonly port: number;
  readonly shape: Shape;
}

export async function benchCall(options: BenchOptions): Promise<string> {
  const processes = new Processes();
  const homes: NodeHome[] = [];
  try {
    const functions = await processes.child("functions.js").ask<FunctionsAnswer>({});
    const question: ProxyQuestion = { functionPort: functions.port };
    const proxy = await processes.child("proxy.js").ask<{ port: number }>(question);
    const subjects: Subject[] = [
      { name: FUNCTION, port: functions.port, shape: "protocol" },
      { name: PROXY, port: proxy.port, shape: "protocol" },
    ];
    for (const [name, module] of [
      ["statefold, one call a request", SINGLE],
      ["statefold", []],
    ] as const) {
      const home = await NodeHome.make(processes, { port: functions.port }, module);
      homes.push(home);
      const { port } = await home.start();
      subjects.push({ name, port, shape: "call" });
    }
    const profile = options.profile ? await profiled(functions.port, options) : "";
    return (await measure(processes, subjects, options)) + profile;
  } finally {
    await processes.end();
    for (const home of homes) await home.remove();
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
  for (const subject of subjects) {
    await run(processes, loadOf(subject, WARM_UP.connections, WARM_UP.seconds));
  }
  for (const connections of CONNECTIONS) {
    const results = new Map(subjects.map((subject) => [subject, [] as LoadResult[]]));
    for (let round = 0; round < rounds; round++) {
      for (const subject of subjects) {
        results.get(subject)?.push(await run(processes, loadOf(subject, connections, seconds)));
      }
    }
    const rate = (name: string): number => {
      const found = [...results].find(([subject]) => subject.name === name)?.[1] ?? [];
      return median(found.map((each) => each.perSecond));
    };
    const beside = { function: rate(FUNCTION), proxy: rate(PROXY) };
    for (const [{ name }, found] of results) {
      rows.push(rowOf(name, connections, found, rate(name), beside));
    }
  }
  const head = [
    "call",
    "connections",
    "calls/s",
    "of the function",
    "of the proxy",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "errors",
  ];
  return table(head, rows);
}

async function run(processes: Processes, load: Load): Promise<LoadResult> {
  const generator = processes.child("support/load.js");
  const result = await generator.ask<LoadResult>(load);
  generator.kill();
  return result;
}

function rowOf(
  name: string,
  connections: number,
  results: readonly LoadResult[],
  perSecond: number,
  beside: { readonly function: number; readonly proxy: number },
): string[] {
  const middle = (pick: (result: LoadResult) => number): number => median(results.map(pick));
  const errors = results.reduce((sum, each) => sum + each.errors, 0);
  const firstError = results.find((each) => each.firstError !== undefined)?.firstError ?? "";
  return [
    name,
    String(connections),
    count(perSecond),
    `${((perSecond / beside.function) * 100).toFixed(0)} %`,
    `${((perSecond / beside.proxy) * 100).toFixed(0)} %`,
    ms(middle((each) => each.p50Ms)),
    ms(middle((each) => each.p99Ms)),
    ms(middle((each) => each.p999Ms)),
    errors === 0 ? "0" : `${errors}: ${firstError.replaceAll(/\s+/g, " ").slice(0, 100)}`,
  ];
}
