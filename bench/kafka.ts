import { loadavg } from "node:os";
import { brokerIn } from "../test/support/kafka/broker.ts";
import { createTopics } from "../test/support/kafka/topics.ts";
import type { KafkaLoad, KafkaLoadResult } from "./kafka/load.ts";
import { PARTITIONS, PATH_NAMES, pathOf } from "./kafka/paths.ts";
import {
  DRAIN_HEAD,
  drainAims,
  drainRow,
  type Round,
  rateOf,
  STEADY_HEAD,
  steadyAims,
  steadyRow,
} from "./kafka/rows.ts";
import { castOf, nodeHomeOf, type Stage, type Subject } from "./kafka/subjects.ts";
import { newFolder, removeFolder, whenBrokenOff } from "./support/leftovers.ts";
import type { BenchOptions } from "./support/options.ts";
import { type Child, Processes } from "./support/processes.ts";
import { summarise, windowOf } from "./support/profile.ts";
import { profileTables } from "./support/profile-table.ts";
import { type Part, type Report, raw, reportOf } from "./support/report.ts";
import { orderOf } from "./support/rotation.ts";
import { count } from "./support/table.ts";
import { watching } from "./support/watch.ts";

/*
 * Topic → function over HTTP → topic, read committed, on a real broker of this machine: first at fixed rates, then a
 * backlog as fast as can be. Exactly once and at least once, with the function on our SDK and on the official one, beside
 * Flink StateFun with the very same function and module, and beside the same way without functions and without state, which
 * is what Kafka and its client take for it. All are there all the time; one at a time has something to do, the others stand
 * still, in an order that changes from round to round. `--only` names rates, or `drain`.
 */
const RATES = [100, 1_000];
const IDS = 100_000;
const BACKLOG = 200_000;
const PROFILED_RATE = 1_000;
/** Before anything counts, for a round each: what is new is slow. */
const WARMING_RATE = 1_000;
const WARMING_MS = 5_000;
const WARMING_SHARE = 0.1;

export async function benchKafka(options: BenchOptions): Promise<Report> {
  const ends: (() => Promise<void>)[] = [];
  const processes = new Processes();
  try {
    const folder = await newFolder();
    ends.push(() => removeFolder(folder));
    const broker = await brokerIn(folder);
    const kill = (): Promise<unknown> => broker.script.kill();
    const ended = whenBrokenOff(kill);
    ends.unshift(async () => {
      await kill();
      ended();
    });
    await broker.script.start();
    const topics = PATH_NAMES.map(pathOf).flatMap(({ from, to }) => [from, to]);
    await createTopics(broker, ...topics.map((topic) => ({ topic, numPartitions: PARTITIONS })));
    const { port, address, script } = broker;
    const stage: Stage = { processes, port, address, brokerPid: script.pid };
    const cast = await castOf(stage);
    ends.unshift(cast.remove);
    const parts = await measure(stage, cast.subjects, options);
    const profile = options.profile ? await profiled(stage, options) : "";
    return reportOf(...parts, ...cast.notes, profile);
  } finally {
    await processes.end();
    for (const end of ends) await end();
  }
}

async function measure(
  stage: Stage,
  subjects: readonly Subject[],
  options: BenchOptions,
): Promise<Part[]> {
  const { only } = options;
  for (const subject of subjects) {
    await steady(stage, subject, WARMING_RATE, WARMING_MS);
    stand(subject);
  }
  const rates = only.length === 0 ? RATES : only.filter((each) => each !== "drain").map(Number);
  const parts: Part[] = [];
  if (rates.length > 0) parts.push(...(await atRates(stage, subjects, rates, options)));
  if (only.length === 0 || only.includes("drain")) {
    if (parts.length > 0) parts.push("\n");
    parts.push(...(await drains(stage, subjects, options)));
  }
  return parts;
}

async function atRates(
  stage: Stage,
  subjects: readonly Subject[],
  rates: readonly number[],
  { rounds, seconds }: BenchOptions,
): Promise<Part[]> {
  const rows: string[][] = [];
  const notes: Part[] = [];
  for (const perSecond of rates) {
    const found = new Map(subjects.map(({ name }) => [name, [] as Round[]]));
    for (let round = 0; round < rounds; round++) {
      for (const subject of orderOf(subjects, round)) {
        found.get(subject.name)?.push(await steady(stage, subject, perSecond, seconds * 1000));
        stand(subject);
      }
    }
    notes.push(...steadyAims(perSecond, found));
    for (const [name, of] of found) {
      rows.push(steadyRow(name, perSecond, found));
      const label = `${name}, ${perSecond}/s`;
      const figures = (pick: (round: Round) => number): number[] => of.map(pick);
      notes.push(
        raw(
          `${label}, p50 ms`,
          figures(({ p50Ms }) => p50Ms),
          1,
        ),
        raw(
          `${label}, p99 ms`,
          figures(({ p99Ms }) => p99Ms),
          1,
        ),
        raw(
          `${label}, load of the machine`,
          figures(({ machineLoad }) => machineLoad),
          1,
        ),
      );
    }
  }
  return [{ head: STEADY_HEAD, rows }, ...notes];
}

/** Of what reaches the other topic exactly once; a copy that stands still would lose its place in its group. */
async function drains(
  stage: Stage,
  subjects: readonly Subject[],
  { rounds, scale }: BenchOptions,
): Promise<Part[]> {
  const records = Math.ceil(BACKLOG * scale);
  const taking = subjects.filter(({ path, isPausable }) => isPausable && path.endsWith("-exactly"));
  const found = new Map(taking.map(({ name }) => [name, [] as Round[]]));
  for (const subject of taking) {
    // For the compilers of all of them: steady load has not shown them everything.
    await drain(stage, subject, Math.ceil(records * WARMING_SHARE));
    stand(subject);
  }
  for (let round = 0; round < rounds; round++) {
    for (const subject of orderOf(taking, round)) {
      found.get(subject.name)?.push(await drain(stage, subject, records));
      stand(subject);
    }
  }
  const rows = taking.map(({ name }) => drainRow(name, found));
  const notes = [...found].flatMap(([name, of]) => [
    raw(`${name}, backlog, records/s`, of.map(rateOf)),
    raw(
      `${name}, backlog, load of the machine`,
      of.map(({ machineLoad }) => machineLoad),
      1,
    ),
  ]);
  return [{ head: DRAIN_HEAD, rows }, ...drainAims(found), ...notes];
}

function stand({ program, isPausable }: Subject): void {
  if (isPausable) program.pause();
}

async function steady(
  { processes, port }: Stage,
  { path, program, processes: watched, isPausable }: Subject,
  perSecond: number,
  measureMs: number,
): Promise<Round> {
  if (isPausable) program.resume();
  const { from, to } = pathOf(path);
  const load: KafkaLoad = {
    ...{ kind: "steady", from, to, port, perSecond, ids: IDS },
    ...{ warmUpMs: measureMs / 2, measureMs },
  };
  const machineLoad = loadavg()[0] ?? 0;
  const generator = processes.child("kafka/load.js");
  const asking = (): Promise<KafkaLoadResult> => askOf(generator, load, program.died);
  const { result, spent } = await watching(watched, asking);
  generator.kill();
  return { ...result, spent, machineLoad };
}

async function drain(
  { processes, port }: Stage,
  { path, program, processes: watched }: Subject,
  records: number,
): Promise<Round> {
  const { from, to } = pathOf(path);
  const generator = processes.child("kafka/load.js");
  const fill: KafkaLoad = { kind: "fill", from, to, port, records, ids: IDS };
  await generator.ask(fill);
  const machineLoad = loadavg()[0] ?? 0;
  const { result, spent } = await watching(watched, () => {
    program.resume();
    return askOf(generator, { kind: "drain" }, program.died);
  });
  generator.kill();
  return { ...result, spent, machineLoad };
}

async function askOf(
  generator: Child,
  load: KafkaLoad,
  died: Promise<never>,
): Promise<KafkaLoadResult> {
  return await Promise.race([generator.ask<KafkaLoadResult>(load), died]);
}

/** One more round, exactly once; those measured before have gone. */
async function profiled(stage: Stage, { seconds }: BenchOptions): Promise<string> {
  await stage.processes.end();
  const { home, functionsPid } = await nodeHomeOf(stage, "sdk-exactly");
  try {
    const node = await home.start({
      ...{ profiled: true, options: ["--application", "profiled"] },
    });
    const subject: Subject = {
      ...{ name: "profiled", path: "sdk-exactly", program: node.program, isPausable: false },
      processes: [{ role: "functions", pid: functionsPid }],
    };
    // It takes what was left by those before, first.
    await steady(stage, subject, PROFILED_RATE, seconds * 1000);
    const found = await steady(stage, subject, PROFILED_RATE, seconds * 1000);
    const profile = await home.profileOf(node);
    const { timeOrigin } = performance;
    const window = windowOf(found.fromMs - timeOrigin, found.untilMs - timeOrigin);
    const per = { count: found.records, unit: "record" };
    const title = `exactly once, ${count(PROFILED_RATE)}/s`;
    return `\n${profileTables(title, summarise(profile, window), per)}`;
  } finally {
    await home.remove();
  }
}
