import type { FunctionsAnswer } from "./functions.ts";
import { NodeHome } from "./node.ts";
import { Sampler } from "./overload/samples.ts";
import { slotsUntilBack } from "./support/comeback.ts";
import type { Load, LoadResult } from "./support/load.ts";
import { type OpenLoad, type OpenLoadResult, SLOT_MS } from "./support/open-load.ts";
import type { BenchOptions } from "./support/options.ts";
import { Processes } from "./support/processes.ts";
import { summarise, windowOf } from "./support/profile.ts";
import { profileTables } from "./support/profile-table.ts";
import { type Part, type Report, raw, reportOf } from "./support/report.ts";
import { count, ms, times } from "./support/table.ts";

/*
 * Three times as much as a node can do, for a minute. What it can do is found first, with callers who wait for their answers;
 * then calls go out at a rate whatever comes back: half of it, three times of it, half of it again. With as many connections
 * as a busy client has, most calls do not get out of the client; with more than the node lets wait, it must refuse.
 * `--only` names connections.
 */
const CAPACITY_CONNECTIONS = [64, 256, 1024];
const CONNECTIONS = [1_024, 9_800];
const IDS = 100_000;
const CALM = { share: 0.5, forMs: 5_000 };
const TIMES_TOO_MUCH = 3;
const OVERLOAD_MS = 60_000;
/** A tenth of a minute tells nothing about a queue of half a second. */
const LEAST_OVERLOAD_MS = 10_000;
const LOOK_EVERY_MS = 250;
/** Back: half a second in which nine tenths of what was offered was answered within a second. */
const BACK = { before: 2_000 / SLOT_MS, span: 500 / SLOT_MS, share: 0.9 };
const [NODE, FUNCTIONS, GENERATOR] = [0, 1, 2];

export async function benchOverload(options: BenchOptions): Promise<Report> {
  const { only } = options;
  const notes: Part[] = [];
  const rows: string[][] = [];
  for (const connections of only.length === 0 ? CONNECTIONS : only.map(Number)) {
    const found = await overloaded(connections, options);
    rows.push(...found.rows);
    notes.push(...found.notes);
  }
  const head = [
    ...["connections", "phase", "offered/s", "answered/s", "to the best"],
    ...["refused", "unsent", "closed", "failed", "p50 ms", "p99 ms", "refused p99 ms"],
    ...["node cores", "functions cores", "load cores", "CPU µs", "most MiB"],
  ];
  return reportOf({ head, rows }, ...notes);
}

/** A node and functions of their own each. */
async function overloaded(
  connections: number,
  options: BenchOptions,
): Promise<{ readonly rows: string[][]; readonly notes: Part[] }> {
  const processes = new Processes();
  const functions = processes.child("functions.js");
  const { port } = await functions.ask<FunctionsAnswer>({});
  const home = await NodeHome.make(processes, { port });
  try {
    const node = await home.start({ profiled: options.profile });
    const rates = await ratesOf(processes, node.port, options);
    const best = Math.max(...rates);
    const overloadMs = Math.max(LEAST_OVERLOAD_MS, OVERLOAD_MS * options.scale);
    const calm = { perSecond: best * CALM.share, forMs: CALM.forMs };
    const load: OpenLoad = {
      ...{ port: node.port, shape: "call", ids: IDS, connections },
      phases: [calm, { perSecond: best * TIMES_TOO_MUCH, forMs: overloadMs }, calm],
    };
    const generator = processes.child("support/open-load.js");
    const pids = [node.program.pid, functions.pid, generator.pid];
    const sampler = new Sampler(pids, LOOK_EVERY_MS);
    const result = await generator.ask<OpenLoadResult>(load);
    await sampler.stop();
    generator.kill();
    const label = `${count(connections)} connections`;
    const notes: Part[] = [
      raw(
        `${label}, best with ${CAPACITY_CONNECTIONS.join(", ")} callers who wait, calls/s`,
        rates,
      ),
      `  ${label}: ${backOf(load, result)}; first failure: ${firstFailureOf(result)}\n`,
      raw(
        `${label}, memory of the node in MiB, every ${LOOK_EVERY_MS * 8} ms`,
        sampler.samples
          .filter((_, at) => at % 8 === 0)
          .map(({ rssBytes }) => (rssBytes[NODE] ?? 0) / 2 ** 20),
      ),
    ];
    if (options.profile) {
      const fromMs = result.beganAtMs + CALM.forMs - performance.timeOrigin;
      const window = windowOf(fromMs, fromMs + overloadMs);
      const per = { count: result.phases[1]?.answersMeanwhile ?? 0, unit: "answer" };
      const summary = summarise(await home.profileOf(node), window);
      notes.push(`\n${profileTables(`${label}, overloaded`, summary, per)}\n`);
    }
    return { rows: rowsOf(label, load, result, best, sampler), notes };
  } finally {
    await processes.end();
    await home.remove();
  }
}

/** The best of each number of callers. */
async function ratesOf(
  processes: Processes,
  port: number,
  { rounds, seconds }: BenchOptions,
): Promise<number[]> {
  const rates = CAPACITY_CONNECTIONS.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    for (const [at, connections] of CAPACITY_CONNECTIONS.entries()) {
      const load: Load = {
        ...{ port, shape: "call", connections, ids: IDS },
        ...{ warmUpMs: seconds * 500, measureMs: seconds * 1000 },
      };
      const generator = processes.child("support/load.js");
      const { perSecond } = await generator.ask<LoadResult>(load);
      generator.kill();
      rates[at] = Math.max(rates[at] ?? 0, perSecond);
    }
  }
  return rates;
}

function rowsOf(
  label: string,
  { phases }: OpenLoad,
  result: OpenLoadResult,
  best: number,
  sampler: Sampler,
): string[][] {
  let fromMs = result.beganAtMs;
  return result.phases.map((phase, at) => {
    const forMs = phases[at]?.forMs ?? 0;
    const answered = (phase.answersMeanwhile / forMs) * 1000;
    const span = [fromMs, fromMs + forMs] as const;
    fromMs += forMs;
    const cores = [NODE, FUNCTIONS, GENERATOR].map((each) => sampler.cores(each, ...span));
    return [
      at === 0 ? label : "",
      ["before", "overload", "after"][at] ?? "",
      count((phase.offered / forMs) * 1000),
      count(answered),
      times(answered / best),
      count(phase.refused),
      count(phase.unsent),
      count(phase.closed),
      count(phase.failed),
      ms(phase.p50Ms),
      ms(phase.p99Ms),
      phase.refused === 0 ? "–" : ms(phase.refusedP99Ms),
      ...cores.map(times),
      count(((cores[NODE] ?? 0) * 1e6) / answered),
      count(sampler.mostBytes(NODE, ...span) / 2 ** 20),
    ];
  });
}

function backOf({ phases }: OpenLoad, { slots }: OpenLoadResult): string {
  const [calm, overload] = phases.map(({ forMs }) => forMs / SLOT_MS);
  const from = (calm ?? 0) + (overload ?? 0);
  // The overload itself is left out, so that what comes after is compared with what was before.
  const back = slotsUntilBack([...slots.slice(0, calm), ...slots.slice(from)], calm ?? 0, BACK);
  return back === undefined ? "not back within 5 s" : `back after ${back * SLOT_MS} ms`;
}

function firstFailureOf({ phases }: OpenLoadResult): string {
  const first = phases.find(({ firstFailure }) => firstFailure !== undefined)?.firstFailure;
  return first?.replaceAll(/\s+/g, " ").slice(0, 100) ?? "none";
}
