import type { BuildQuestion } from "./build.ts";
import type { FunctionsAnswer } from "./functions.ts";
import { NodeHome } from "./node.ts";
import type { Load, LoadResult } from "./support/load.ts";
import type { BenchOptions } from "./support/options.ts";
import { Processes } from "./support/processes.ts";
import { type Part, type Report, raw, reportOf } from "./support/report.ts";
import { orderOf } from "./support/rotation.ts";
import { count, median, ms, times } from "./support/table.ts";
import { spentBy, type Watched, watching } from "./support/watch.ts";

/*
 * What a call costs the node as things grow tenfold: addresses with state, partitions, the payload. In processor time,
 * which tells more than calls a second when functions and load generator share the machine. All nodes are there all the
 * time; each gets its calls in turn, beside the one that is nothing out of the ordinary.
 */
const CONNECTIONS = 64;
const ADDRESSES = 100_000;
const STATE_BYTES = 200;
const TENFOLD = 10;

interface Variant {
  readonly name: string;
  /** With a state each, there before; 0: counters that calls make. */
  readonly built: number;
  readonly partitions: number;
  readonly payloadBytes: number;
}

interface Round {
  readonly cpuUs: number;
  readonly functionsCpuUs: number;
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly peakBytes: number;
  readonly errors: number;
}

interface Stage {
  readonly variant: Variant;
  readonly port: number;
  readonly processes: readonly Watched[];
}

export async function benchGrowth(options: BenchOptions): Promise<Report> {
  const processes = new Processes();
  const homes: NodeHome[] = [];
  try {
    const functions = processes.child("functions.js");
    const { port } = await functions.ask<FunctionsAnswer>({});
    const stages: Stage[] = [];
    for (const variant of variantsOf(Math.ceil(ADDRESSES * options.scale))) {
      const home = await NodeHome.make(processes, { port });
      homes.push(home);
      if (variant.built > 0) await build(processes, home.data, variant.built);
      const partitions = ["--partitions", String(variant.partitions)];
      const node = await home.start({ options: variant.built > 0 ? [] : partitions });
      const watched: Watched[] = [
        { role: "runtime", pid: node.program.pid },
        { role: "functions", pid: functions.pid },
      ];
      stages.push({ variant, port: node.port, processes: watched });
    }
    return await measure(processes, stages, options);
  } finally {
    await processes.end();
    for (const home of homes) await home.remove();
  }
}

/** Two of each kind are compared: the plain one, and that with more of something. */
function variantsOf(addresses: number): Variant[] {
  const plain = { built: 0, partitions: 1, payloadBytes: 100 };
  return [
    { ...plain, name: "plain" },
    { ...plain, name: "ten partitions", partitions: TENFOLD },
    { ...plain, name: "payload of 1 000 B", payloadBytes: 1_000 },
    { ...plain, name: "payload of 10 000 B", payloadBytes: 10_000 },
    { ...plain, name: `${count(addresses)} states of 200 B`, built: addresses },
    { ...plain, name: `${count(addresses * TENFOLD)} states`, built: addresses * TENFOLD },
  ];
}

async function build(processes: Processes, dir: string, addresses: number): Promise<void> {
  const builder = processes.child("build.js");
  const size = { stateBytes: STATE_BYTES, timerInMs: undefined };
  const question: BuildQuestion = { dir, first: 0, count: addresses, ...size };
  await builder.ask(question);
  builder.kill();
}

async function measure(
  processes: Processes,
  stages: readonly Stage[],
  { rounds, seconds }: BenchOptions,
): Promise<Report> {
  const found = new Map(stages.map((stage) => [stage, [] as Round[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const stage of orderOf(stages, round)) {
      const measured = await run(processes, stage, seconds * 1000);
      if (round > 0) found.get(stage)?.push(measured); // the first warms up
    }
  }
  const all = [...found];
  const [, plain = []] = all[0] ?? [];
  const built = all.filter(([{ variant }]) => variant.built > 0);
  const rows: string[][] = [];
  const notes: Part[] = [];
  for (const [{ variant }, of] of all) {
    const base = variant.built > 0 ? (built[0]?.[1] ?? []) : plain;
    const middle = (pick: (round: Round) => number): number => median(of.map(pick));
    const ratios = of.map(({ cpuUs }, at) => cpuUs / (base[at]?.cpuUs ?? Number.NaN));
    rows.push([
      variant.name,
      ms(middle((each) => each.cpuUs)),
      times(median(ratios)),
      ms(middle((each) => each.functionsCpuUs)),
      count(middle((each) => each.perSecond)),
      ms(middle((each) => each.p99Ms)),
      count(middle((each) => each.peakBytes) / 2 ** 20),
      count(of.reduce((sum, each) => sum + each.errors, 0)),
    ]);
    notes.push(
      raw(
        `${variant.name}, CPU µs`,
        of.map(({ cpuUs }) => cpuUs),
        1,
      ),
    );
  }
  const head = [
    ...["growth", "CPU µs", "to the smaller", "functions CPU µs", "calls/s", "p99 ms", "peak MiB"],
    "errors",
  ];
  return reportOf({ head, rows }, ...notes);
}

async function run(
  processes: Processes,
  { variant, port, processes: watched }: Stage,
  measureMs: number,
): Promise<Round> {
  const { built, payloadBytes } = variant;
  const load: Load = {
    ...{ port, connections: CONNECTIONS, payloadBytes, warmUpMs: measureMs / 2, measureMs },
    ...(built > 0
      ? ({ shape: "note", ids: built } as const)
      : // So few that their requests fit into memory, whatever they carry.
        ({ shape: "call", ids: 10_000 } as const)),
  };
  const generator = processes.child("support/load.js");
  const { result, spent } = await watching(watched, () => generator.ask<LoadResult>(load));
  generator.kill();
  const usOf = (role: Watched["role"]): number =>
    (spentBy(spent, role).cpuMs / result.answers) * 1000;
  return {
    ...{ cpuUs: usOf("runtime"), functionsCpuUs: usOf("functions") },
    ...{ perSecond: result.perSecond, p99Ms: result.p99Ms, errors: result.errors },
    peakBytes: spentBy(spent, "runtime").peakBytes,
  };
}
