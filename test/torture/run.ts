/** One run: set the stage, storm, a calm stretch, let everything drain, draw the account. */
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../../src/base/errors.ts";
import { isQuiet, metric } from "../real/runtime.ts";
import { createRng } from "../support/rng.ts";
import { until } from "../support/until.ts";
import { type Account, drawAccount } from "./account.ts";
import type { Blow } from "./blows.ts";
import { calmStretch, type Flatness } from "./calm.ts";
import type { Disk } from "./disk.ts";
import { Load } from "./load.ts";
import {
  type Added,
  COUNTER_IDS,
  type Heard,
  LEDGERS,
  type Rung,
  type Tallies,
} from "./messages.ts";
import type { TortureOptions } from "./options.ts";
import { sizeOf } from "./samples.ts";
import { type Stage, setStage } from "./stage.ts";
import { storm } from "./storm.ts";
import type { OwnEnd, Subject } from "./subject.ts";
import type { OutsideTopics, Variant } from "./variant.ts";

/** Of each of the senders, between two messages. */
const PAUSE_MS = 150;
const DRAIN_TIMEOUT_MS = 120_000;
const READY_TIMEOUT_MS = 60_000;
const FIRST_START_KILLS = 3;

/** An end by itself is right only with these codes: the disk, the descriptors, a port. */
const MAY_END_WITH = /\[(STORE_WRITE_FAILED|LOG_WRITE_FAILED|CONFIG_INVALID)\]$/m;

/** What lies in the partitions' folders at the end: tables and logs, and the keys that are kept for a day. */
const PARTITION_BYTES = 48 * 2 ** 20;
const KEY_BYTES = 1024;
const PARTITION_FILES = 80;

export interface TortureResult {
  readonly blows: ReadonlyMap<Blow, number>;
  readonly subjects: readonly Subject[];
  readonly load: Load;
  readonly account: Account | undefined;
  readonly flatness: readonly Flatness[];
  readonly askedAgain: number;
  readonly partitions: { readonly bytes: number; readonly files: number };
  readonly topics: { readonly bytes: number; readonly files: number };
  readonly violations: readonly string[];
}

export interface TortureRun extends Omit<TortureOptions, "disk"> {
  readonly variant: Variant;
  readonly disk: Disk;
  readonly folder: string;
  readonly say: (line: string) => void;
}

export async function torture(run: TortureRun): Promise<TortureResult> {
  const { variant, disk, folder, partitions, threads, seed, seconds, kills, say } = run;
  const stage = await setStage({ variant, disk, folder, partitions, threads });
  const subjects = [stage.runtime, ...stage.functions];
  const ending = new AbortController();
  setMaxListeners(0, ending.signal); // every request under way listens
  const load = new Load({
    ...{ url: stage.url, writePath: variant.writePath, seed, pauseMs: PAUSE_MS },
    signal: ending.signal,
  });
  const violations: string[] = [];
  let blows: ReadonlyMap<Blow, number> = new Map();
  let account: Account | undefined;
  const flatness: Flatness[] = [];
  let askedAgain = 0;
  for (const subject of subjects) subject.run();
  try {
    await killTheFirstStart(stage.runtime, seed);
    await allReady(subjects);
    const loading = load.run();
    loading.catch((error: unknown) => {
      if (!ending.signal.aborted) violations.push(`the load: ${describeError(error)}`);
    });
    const result = await storm({
      ...{ victims: { ...stage, disk }, load, seed, kills, first: run.blows },
      seconds: seconds - run.calm,
      onBlow: (blow) =>
        say(`${blow} (kills so far: ${subjects.map(({ kills: own }) => own).join(", ")})`),
    });
    blows = result.blows;
    violations.push(...result.violations);
    say("no more kills");
    for (const subject of subjects) subject.trouble = "nothing, after the storm";
    await allReady(subjects);
    const calm = await Promise.all(subjects.map((each) => calmStretch(each, run.calm)));
    flatness.push(...calm);
    say("draining");
    load.end();
    await loading;
    const topics = variant.open(stage.url, ending.signal);
    await drained(stage, topics);
    askedAgain = await load.askAgain(3);
    account = drawAccount(await find(stage, topics, load));
    violations.push(...(await whatMetricsSay(stage)));
    say("stopping");
    const code = await stage.runtime.stop(40_000);
    if (code !== 0) violations.push(`the runtime was told to end, and ended with ${code}`);
  } catch (error) {
    violations.push(`the run did not come to its end: ${describeError(error)}`);
  } finally {
    ending.abort();
    for (const subject of subjects) await subject.abandon();
  }
  const partitionsSize = sizeOf(join(stage.dataDir, "partitions"));
  const keys = [...load.sent].filter(([name]) => name.startsWith("keyed"));
  const keyed = keys.reduce((sum, [, { accepted }]) => sum + accepted.length, 0);
  violations.push(
    ...load.violations,
    ...(account?.violations ?? []),
    ...flatness.flatMap((each) => each.violations),
    ...subjects.flatMap((subject) => strangeEnds(subject)),
    ...whatGrew(partitionsSize, partitions, keyed),
  );
  const topicsSize = sizeOf(join(stage.dataDir, "topics"));
  return {
    ...{ blows, subjects, load, account, flatness, askedAgain, violations },
    ...{ partitions: partitionsSize, topics: topicsSize },
  };
}

/** While the data directory is being made. */
async function killTheFirstStart(runtime: Subject, seed: number): Promise<void> {
  const rng = createRng(seed);
  for (let times = 0; times < FIRST_START_KILLS; times++) {
    await sleep(50 + rng.int(500));
    await runtime.kill();
  }
}

async function allReady(subjects: readonly Subject[]): Promise<void> {
  const timeoutMs = READY_TIMEOUT_MS;
  await until("all to be ready", () => subjects.every(({ isReady }) => isReady), { timeoutMs });
}

/** Everything written is taken, and nothing is under way. */
async function drained(stage: Stage, topics: OutsideTopics): Promise<void> {
  const written = (await topics.read("adds")).length;
  const isDrained = async (): Promise<boolean> => {
    const added = (await topics.read("added")).map(({ value }) => value as Added);
    const taken = added.filter(({ source }) => source === "topic").length;
    return taken >= written && (await isQuiet(stage.runtime.script));
  };
  await until("everything to be done", isDrained, { timeoutMs: DRAIN_TIMEOUT_MS, everyMs: 250 });
}

async function find(stage: Stage, topics: OutsideTopics, load: Load) {
  const values = async <T>(topic: string): Promise<T[]> =>
    (await topics.read(topic)).map(({ value }) => value as T);
  const totals = new Map<string, number>();
  for (const id of COUNTER_IDS) {
    totals.set(id, ((await stateOf(stage, `torture/counter/${id}`)) as number | undefined) ?? 0);
  }
  const tallies: Tallies[] = [];
  for (let i = 0; i < LEDGERS; i++) {
    tallies.push((await stateOf(stage, `torture/ledger/l${i}`)) as Tallies);
  }
  return {
    adds: await topics.read("adds"),
    added: await values<Added>("added"),
    heard: await values<Heard>("heard"),
    rung: await values<Rung>("rung"),
    ...{ sent: load.sent, totals, tallies },
  };
}

async function stateOf(stage: Stage, address: string): Promise<unknown> {
  const response = await fetch(`${stage.url}/v1/admin/state/${address}`);
  const { states } = (await response.json()) as { states: { value: { value: unknown } }[] };
  return states[0]?.value.value;
}

async function whatMetricsSay({ runtime }: Stage): Promise<string[]> {
  const violations: string[] = [];
  for (const name of ["drift_messages", "dead_letters", "parked_addresses"]) {
    const value = await metric(runtime.script, `statefold_partition_${name}`);
    if (value !== 0) violations.push(`the metric ${name} is ${value}`);
  }
  return violations;
}

function strangeEnds(subject: Subject): string[] {
  return subject.ownEnds
    .filter((end) => !isReasonable(subject, end))
    .map(
      ({ code, signal, words, during }) =>
        `the ${subject.name} ended by itself with ${signal ?? code} during ${during}: ${words}`,
    );
}

function isReasonable({ name }: Subject, { code, signal, words }: OwnEnd): boolean {
  return name === "runtime" && signal === null && code === 1 && MAY_END_WITH.test(words);
}

function* whatGrew(
  { bytes, files }: { readonly bytes: number; readonly files: number },
  partitions: number,
  keyed: number,
): Generator<string> {
  if (bytes > PARTITION_BYTES + keyed * KEY_BYTES) {
    yield `the partitions have ${bytes} bytes, with ${keyed} keys`;
  }
  if (files > PARTITION_FILES * partitions) yield `the partitions have ${files} files`;
}
