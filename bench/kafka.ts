import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { startBroker } from "../test/support/kafka/broker.ts";
import { createTopics } from "../test/support/kafka/topics.ts";
import type { FunctionsAnswer } from "./functions.ts";
import type { KafkaLoad, KafkaLoadResult } from "./kafka/load.ts";
import { PARTITIONS, PATHS, type Path } from "./kafka/paths.ts";
import { NodeHome } from "./node.ts";
import { rawLine } from "./support/machine.ts";
import type { BenchOptions } from "./support/options.ts";
import { cpuMsOf, memoryOf } from "./support/process-figures.ts";
import { Processes } from "./support/processes.ts";
import { summarise, windowOf } from "./support/profile.ts";
import { profileTables } from "./support/profile-table.ts";
import { count, median, ms, table } from "./support/table.ts";

/*
 * Topic → function over HTTP → topic, read committed, at fixed rates, on a real broker of this machine:
 * exactly once and at least once, beside the same way without functions and without state, which is what
 * Kafka and its client take for it. All three are there all the time; one at a time has something to do, in
 * an order that changes from round to round.
 */
const RATES = [100, 1_000, 5_000];
const IDS = 100_000;
const PROFILED_RATE = 1_000;
/** Before anything counts, for a round each: what is new is slow. */
const WARMING_RATE = 1_000;

interface Subject {
  readonly name: string;
  readonly path: Path;
  readonly pid: number;
  /** Of the functions it calls; undefined: it calls none. */
  readonly functionsPid: number | undefined;
}

interface Round extends KafkaLoadResult {
  readonly perSecond: number;
  /** Processor time for each record, in µs. */
  readonly cpuUs: number;
  readonly functionsCpuUs: number;
  readonly brokerCpuUs: number;
  readonly peakBytes: number;
  readonly machineLoad: number;
}

interface Stage {
  readonly processes: Processes;
  readonly port: number;
  readonly address: string;
  readonly brokerPid: number;
}

/** `--only` names rates here. */
export async function benchKafka(options: BenchOptions): Promise<string> {
  const ends: (() => Promise<void>)[] = [];
  const processes = new Processes();
  try {
    const broker = await startBroker({ after: (end) => void ends.push(end) });
    const topics = Object.values(PATHS).flatMap(({ from, to }) => [from, to]);
    await createTopics(broker, ...topics.map((topic) => ({ topic, numPartitions: PARTITIONS })));
    const { port, address, script } = broker;
    const stage = { processes, port, address, brokerPid: script.pid };
    return `${await measure(stage, options)}${options.profile ? await profiled(stage, options) : ""}`;
  } finally {
    await processes.end();
    for (const end of ends) await end();
  }
}

async function measure(stage: Stage, { rounds, seconds, only }: BenchOptions): Promise<string> {
  const { processes, address } = stage;
  const homes: NodeHome[] = [];
  try {
    const subjects: Subject[] = [];
    for (const [name, semantic] of [
      ["statefold, exactly once", "exactly"],
      ["statefold, at least once", "least"],
    ] as const) {
      const { home, functionsPid } = await homeOf(stage, semantic);
      homes.push(home);
      const { program } = await home.start();
      subjects.push({ name, path: PATHS[semantic], pid: program.pid, functionsPid });
    }
    const copy = processes.program([
      fileURLToPath(new URL("kafka/copy.js", import.meta.url)),
      address,
    ]);
    await copy.said("ready");
    const plain = { name: "plain copy, exactly once", path: PATHS.copy, pid: copy.pid };
    subjects.push({ ...plain, functionsPid: undefined });

    const rows: string[][] = [];
    const notes: string[] = [];
    for (const subject of subjects) await roundOf(stage, subject, WARMING_RATE, seconds * 1000);
    const rates = only.length === 0 ? RATES : only.map(Number);
    for (const perSecond of rates) {
      const found = new Map(subjects.map((subject) => [subject, [] as Round[]]));
      for (let round = 0; round < rounds; round++) {
        for (let at = 0; at < subjects.length; at++) {
          const subject = subjects[(at + round) % subjects.length];
          if (subject === undefined) continue;
          found.get(subject)?.push(await roundOf(stage, subject, perSecond, seconds * 1000));
        }
      }
      const base = [...found.values()].at(-1) ?? [];
      for (const [{ name }, of] of found) {
        rows.push(rowOf(name, perSecond, of, base));
        const label = `${name}, ${perSecond}/s`;
        notes.push(
          rawLine(
            `${label}, p50 ms`,
            of.map((each) => each.p50Ms),
            1,
          ),
        );
        notes.push(
          rawLine(
            `${label}, p99 ms`,
            of.map((each) => each.p99Ms),
            1,
          ),
        );
        notes.push(
          rawLine(
            `${label}, load`,
            of.map((each) => each.machineLoad),
            1,
          ),
        );
      }
    }
    return `${table(HEAD, rows)}${notes.join("")}`;
  } finally {
    for (const home of homes) await home.remove();
  }
}

const HEAD = [
  ...["topic to topic", "records/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "p50 to copy"],
  ...["p99 to copy", "CPU µs", "functions CPU µs", "broker CPU µs", "peak RSS", "lost or twice"],
];

function rowOf(
  name: string,
  perSecond: number,
  rounds: readonly Round[],
  base: readonly Round[],
): string[] {
  const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const ratio = (pick: (round: Round) => number): string =>
    median(rounds.map((each, round) => pick(each) / pick(base[round] ?? each))).toFixed(2);
  return [
    name,
    count(perSecond),
    ms(middle((round) => round.p50Ms)),
    ms(middle((round) => round.p99Ms)),
    ms(middle((round) => round.p999Ms)),
    ms(Math.max(...rounds.map((round) => round.maxMs))),
    ratio((round) => round.p50Ms),
    ratio((round) => round.p99Ms),
    count(middle((round) => round.cpuUs)),
    count(middle((round) => round.functionsCpuUs)),
    count(middle((round) => round.brokerCpuUs)),
    `${count(middle((round) => round.peakBytes) / 2 ** 20)} MiB`,
    count(rounds.reduce((sum, { lost, twice }) => sum + lost + twice, 0)),
  ];
}

async function roundOf(
  { processes, port, brokerPid }: Stage,
  { path, pid, functionsPid }: Subject,
  perSecond: number,
  measureMs: number,
): Promise<Round> {
  const load: KafkaLoad = {
    ...{ ...path, port, perSecond, ids: IDS },
    ...{ warmUpMs: measureMs / 2, measureMs },
  };
  const pids = [pid, functionsPid, brokerPid].filter((each) => each !== undefined);
  const before = await Promise.all(pids.map(cpuMsOf));
  const generator = processes.child("kafka/load.js");
  const result = await generator.ask<KafkaLoadResult>(load);
  generator.kill();
  const after = await Promise.all(pids.map(cpuMsOf));
  const usOf = (wanted: number | undefined): number => {
    const at = wanted === undefined ? -1 : pids.indexOf(wanted);
    return (((after[at] ?? 0) - (before[at] ?? 0)) / result.records) * 1000;
  };
  const { peakBytes } = await memoryOf(pid);
  return {
    ...result,
    ...{ perSecond, cpuUs: usOf(pid), functionsCpuUs: usOf(functionsPid) },
    ...{ brokerCpuUs: usOf(brokerPid), peakBytes, machineLoad: loadavg()[0] ?? 0 },
  };
}

/** A node with one way in and one out, and functions of its own. */
async function homeOf({ processes, address }: Stage, semantic: "exactly" | "least") {
  const child = processes.child("functions.js");
  const { port } = await child.ask<FunctionsAnswer>({});
  const delivery =
    semantic === "exactly"
      ? "{type: exactly-once, transactionTimeout: 1min}"
      : "{type: at-least-once}";
  const home = await NodeHome.make(processes, { port }, [
    "---",
    "kind: io.statefun.kafka.v1/ingress",
    "spec:",
    `  id: bench/in-${semantic}`,
    `  address: ${address}`,
    `  consumerGroupId: bench-${semantic}`,
    "  startupPosition: {type: earliest}",
    `  topics: [{topic: ${PATHS[semantic].from}, valueType: bench/Raw, targets: [bench/pass-${semantic}]}]`,
    "---",
    "kind: io.statefun.kafka.v1/egress",
    "spec:",
    `  id: bench/out-${semantic}`,
    `  address: ${address}`,
    `  deliverySemantic: ${delivery}`,
  ]);
  return { home, functionsPid: child.pid };
}

/** One more round, exactly once; the node measured before has stood aside. */
async function profiled(stage: Stage, { seconds }: BenchOptions): Promise<string> {
  await stage.processes.end();
  const { home, functionsPid } = await homeOf(stage, "exactly");
  try {
    const node = await home.start({
      ...{ profiled: true, options: ["--application", "profiled"] },
    });
    const subject = { name: "profiled", path: PATHS.exactly, pid: node.program.pid, functionsPid };
    // It takes what was left by those before, first.
    await roundOf(stage, subject, PROFILED_RATE, seconds * 1000);
    const { fromMs, untilMs, records } = await roundOf(
      ...([stage, subject, PROFILED_RATE, seconds * 1000] as const),
    );
    const profile = await home.profileOf(node);
    const { timeOrigin } = performance;
    const window = windowOf(fromMs - timeOrigin, untilMs - timeOrigin);
    const per = { count: records, unit: "record" };
    return `\n${profileTables(`exactly once, ${count(PROFILED_RATE)}/s`, summarise(profile, window), per)}`;
  } finally {
    await home.remove();
  }
}
