/**
 * One run between two topics of a real broker: write orders, kill everything at random, let a zombie wake up,
 * let all drain, draw the account as two clients read it.
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describeError } from "../../../src/base/errors.ts";
import { findMarker, type Marker } from "../../../src/egress/kafka-marker.ts";
import type { KafkaCluster } from "../../../src/kafka/contract.ts";
import { committed } from "../../egress/kafka-world.ts";
import { clientOf, createTopics } from "../../support/kafka/topics.ts";
import { createRng } from "../../support/rng.ts";
import { until, within } from "../../support/until.ts";
import type { TortureOptions } from "../options.ts";
import type { Subject } from "../subject.ts";
import { IN, OUT, TOPIC_PARTITIONS } from "./messages.ts";
import { allReady, drained, type Settled, settle } from "./settling.ts";
import { type Stage, setStage } from "./stage.ts";
import { type Kill, storm } from "./storm.ts";
import { Tail } from "./tail.ts";
import { Watch } from "./watch.ts";
import { Writer } from "./writer.ts";

const TAKEOVER_TIMEOUT_MS = 120_000;
/** Of the orders these are written in the storm, and until the zombie falls asleep. */
const STORM_SHARE = 0.9;
const AWAKE_SHARE = 0.95;
/** The writer is so far ahead of what is counted, of all orders. */
const AHEAD_SHARE = 0.05;

export interface KafkaRun
  extends Pick<
    TortureOptions,
    "seed" | "kills" | "partitions" | "threads" | "records" | "ids" | "reader" | "broker"
  > {
  /** Empty; what is there in the end is the caller's. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

interface Sums extends Settled {
  /** How the zombie ended. */
  zombie: string;
  drainMs: number;
}

export interface KafkaResult extends Readonly<Sums> {
  readonly subjects: readonly Subject[];
  readonly writer: Writer;
  readonly tail: Tail;
  readonly watch: Watch;
  readonly transactionTimeout: string;
  readonly durationMs: number;
  readonly violations: readonly string[];
}

export async function tortureBetweenTopics(run: KafkaRun): Promise<KafkaResult> {
  const { folder, seed, partitions, threads, ids } = run;
  const beganMs = performance.now();
  // Short enough that brokers end transactions by themselves, or not.
  const transactionTimeout = createRng(seed).pick(["5s", "1min"]);
  const stage = await setStage({
    folder,
    partitions,
    threads,
    ids,
    transactionTimeout,
    property: run.broker,
  });
  const subjects = [stage.runtime, ...stage.functions, stage.brokerSubject];
  const ending = new AbortController();
  const clients = [clientOf(stage.broker), clientOf(stage.broker)] as const;
  const tail = new Tail(clients[0], ending.signal);
  const watch = new Watch();
  const writer = newWriter(run, stage, clients[1], tail, ending.signal);
  writer.share = STORM_SHARE;
  const violations: string[] = [];
  const sums: Sums = { orders: 0, written: 0, zombie: "none", drainMs: 0 };
  const running: Promise<void>[] = [];
  try {
    await haveTopics(stage);
    for (const subject of subjects) subject.run();
    const writing = writer.run();
    running.push(writing, tail.run(), watch.run(stage.runtime, ending.signal));
    await stormUpon(run, stage, tail, watch);
    await allReady(subjects);
    const successor = await stage.successor(join(folder, "data-elsewhere"));
    subjects.push(successor);
    run.say("the runtime sleeps, and another takes its place");
    sums.zombie = await meetTheZombie(run, stage, successor, clients[1], writer, violations);
    running.push(watch.run(successor, ending.signal));
    run.say("draining");
    const drainBeganMs = performance.now();
    await writing;
    await drained(successor, tail, run.records);
    sums.drainMs = performance.now() - drainBeganMs;
    run.say("reading");
    violations.push(...(await settle(run, stage.broker, successor, clients[1], tail, sums)));
    const code = await successor.stop(40_000);
    if (code !== 0) violations.push(`the runtime was told to end, and ended with ${code}`);
  } catch (error) {
    violations.push(`the run did not come to its end: ${describeError(error)}`);
  } finally {
    ending.abort();
    for (const subject of subjects.toReversed()) await subject.abandon();
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(running);
  }
  violations.push(...subjects.flatMap((subject) => strangeEnds(subject)));
  const durationMs = performance.now() - beganMs;
  return { subjects, writer, tail, watch, transactionTimeout, ...sums, durationMs, violations };
}

function newWriter(
  { records, ids, seed }: KafkaRun,
  { broker: { address } }: Stage,
  client: KafkaCluster,
  tail: Tail,
  signal: AbortSignal,
): Writer {
  const countCommitted = async () => (await committed(client, IN)).flat().length;
  const ahead = Math.max(200, Math.ceil(records * AHEAD_SHARE));
  const mayWrite = () => tail.counted + ahead;
  const rng = createRng(seed + 1);
  return new Writer({ address, rng, ids, records, mayWrite, countCommitted, signal });
}

async function haveTopics({ broker, brokerSubject }: Stage): Promise<void> {
  brokerSubject.run();
  await allReady([brokerSubject]);
  const topics = [IN, OUT].map((topic) => ({ topic, numPartitions: TOPIC_PARTITIONS }));
  await createTopics(broker, ...topics);
}

async function stormUpon(run: KafkaRun, stage: Stage, tail: Tail, watch: Watch): Promise<void> {
  const { runtime, functions, brokerSubject: broker } = stage;
  const { seed, kills, records, say } = run;
  const orders = Math.floor(records * STORM_SHARE);
  const onKill = async ({ victim }: Kill): Promise<void> => {
    say(`kill ${victim} (counted: ${tail.counted})`);
    if (victim === "runtime") await watch.look(runtime);
  };
  await storm({ runtime, functions, broker, tail, seed, kills, orders, onKill });
  const all = [runtime, ...functions, broker];
  for (const subject of all) subject.trouble = "nothing, after the storm";
}

/** Of each partition, as the broker has it. */
async function markersOf(client: KafkaCluster, partitions: number): Promise<readonly Marker[]> {
  const markers: Marker[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const marker = findMarker(await client.groupOffsets(`statefold/shop/${OUT}/${partition}`));
    if (marker === undefined) throw new Error(`partition ${partition} has published nothing`);
    markers.push(marker);
  }
  return markers;
}

/** Until all markers are otherwise than they were. */
async function allMarkers(
  what: string,
  client: KafkaCluster,
  before: readonly Marker[],
  isOther: (now: Marker, before: Marker) => boolean,
): Promise<void> {
  const areOther = async () => {
    const now = await markersOf(client, before.length);
    return before.every((each, i) => isOther(now[i] ?? each, each));
  };
  await until(what, areOther, { timeoutMs: TAKEOVER_TIMEOUT_MS, everyMs: 50 });
}

/**
 * The runtime is stopped in the middle, another goes on with a copy of its data, and the first wakes up. It
 * must write nothing, and end with the reason.
 */
async function meetTheZombie(
  { partitions }: KafkaRun,
  { runtime: zombie, dataDir }: Stage,
  successor: Subject,
  client: KafkaCluster,
  writer: Writer,
  violations: string[],
): Promise<string> {
  const ask = () => markersOf(client, partitions);
  const timeoutMs = TAKEOVER_TIMEOUT_MS;
  const before = await until("the markers", ask, { timeoutMs });
  writer.share = AWAKE_SHARE;
  // One that has yet to begin cannot know that another has come after it.
  const isFurther = (now: Marker, then: Marker) => now.next > then.next;
  await allMarkers("each partition to publish", client, before, isFurther);
  const { pid } = zombie.script;
  process.kill(pid, "SIGSTOP");
  cpSync(dataDir, join(dataDir, "..", "data-elsewhere"), { recursive: true });
  const asleep = await ask();
  successor.run();
  const isSigned = (now: Marker, then: Marker) => now.owner.process !== then.owner.process;
  await allMarkers("the successor to take over", client, asleep, isSigned);
  writer.share = 1;
  zombie.trouble = "the life of its successor";
  process.kill(pid, "SIGCONT");
  const { code, signal } = await within("the zombie to end", zombie.untilItEnds(), { timeoutMs });
  const reason = /another process publishes as \S+ now/.exec(zombie.script.lastWords)?.[0];
  if (code !== 1 || reason === undefined) {
    violations.push(`the zombie ended with ${signal ?? code}: ${zombie.script.lastWords}`);
  }
  return `${reason} (${signal ?? code})`;
}

/** Nothing is short here: no process may end by itself. */
function strangeEnds({ name, ownEnds }: Subject): string[] {
  return ownEnds.map(
    ({ code, signal, words, during }) =>
      `the ${name} ended by itself with ${signal ?? code} during ${during}: ${words}`,
  );
}
