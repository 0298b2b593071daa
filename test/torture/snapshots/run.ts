/**
 * One run with snapshots: write orders to a broker, and again and again kill the runtime and lose its disk, now
 * and then with the S3 server dead as well; let all drain, draw the account as two clients read it. What left
 * did so with `release: snapshot`, so each record stands there once, whatever disks were lost.
 */
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../../../src/base/errors.ts";
import { committed } from "../../egress/kafka-world.ts";
import { clientOf, createTopics } from "../../support/kafka/topics.ts";
import { createRng, type Rng } from "../../support/rng.ts";
import { IN, OUT, TOPIC_PARTITIONS } from "../kafka/messages.ts";
import { allReady, drained, type Settled, settle } from "../kafka/settling.ts";
import { Tail } from "../kafka/tail.ts";
import { Writer } from "../kafka/writer.ts";
import type { TortureOptions } from "../options.ts";
import type { Subject } from "../subject.ts";
import { type Stage, setStage } from "./stage.ts";

/** The writer is so far ahead of what has left, of all orders. */
const AHEAD_SHARE = 0.1;
const STUCK_AFTER_MS = 240_000;
const SNAPSHOT_EVERY_MS = 1_000;
/** The S3 server stays away for so long at most. */
const AWAY_MS = 4_000;
/** Of the data directories that are made anew. */
const PARTITIONS = [1, 2, 3, 4, 5, 8];

export interface SnapshotsRun
  extends Pick<
    TortureOptions,
    "seed" | "rounds" | "lease" | "partitions" | "threads" | "records" | "ids" | "reader"
  > {
  /** Empty; what is there in the end is the caller's. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** A disk that was lost. */
export interface Loss {
  /** Orders whose records had left. */
  readonly counted: number;
  /** Of the data directory that was made in its place. */
  readonly partitions: number;
  readonly isStoreKilled: boolean;
}

export interface SnapshotsResult extends Readonly<Settled> {
  readonly subjects: readonly Subject[];
  readonly losses: readonly Loss[];
  readonly durationMs: number;
  readonly violations: readonly string[];
}

export async function tortureWithSnapshots(run: SnapshotsRun): Promise<SnapshotsResult> {
  const { folder, partitions, threads, ids, lease, records } = run;
  const beganMs = performance.now();
  const snapshotEvery = `${SNAPSHOT_EVERY_MS}ms`;
  const stage = await setStage({
    folder,
    partitions,
    threads,
    ids,
    leaseMs: lease * 1_000,
    snapshotEvery,
  });
  const { runtime, store, functions, brokerSubject, broker } = stage;
  const subjects = [runtime, ...functions, store, brokerSubject];
  const ending = new AbortController();
  const clients = [clientOf(broker), clientOf(broker)] as const;
  const tail = new Tail(clients[0], ending.signal);
  const writer = writerOf(run, stage, tail, clients[1], ending.signal);
  const violations: string[] = [];
  const losses: Loss[] = [];
  const sums: Settled = { orders: 0, written: 0 };
  const running: Promise<void>[] = [];
  try {
    brokerSubject.run();
    await allReady([brokerSubject]);
    await createTopics(
      broker,
      ...[IN, OUT].map((topic) => ({ topic, numPartitions: TOPIC_PARTITIONS })),
    );
    for (const subject of subjects) subject.run();
    const writing = writer.run();
    running.push(writing, tail.run());
    await loseDisks(run, stage, tail, losses);
    run.say("draining");
    await writing;
    await allReady(subjects);
    await drained(runtime, tail, records);
    run.say("reading");
    violations.push(...(await settle(run, broker, runtime, clients[1], tail, sums)));
    const code = await runtime.stop(40_000);
    if (code !== 0) violations.push(`the runtime was told to end, and ended with ${code}`);
  } catch (error) {
    violations.push(`the run did not come to its end: ${describeError(error)}`);
  } finally {
    ending.abort();
    for (const subject of subjects) await subject.abandon();
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(running);
  }
  violations.push(...subjects.flatMap(strangeEnds));
  return { subjects, losses, ...sums, durationMs: performance.now() - beganMs, violations };
}

function writerOf(
  { records, ids, seed }: SnapshotsRun,
  { broker: { address } }: Stage,
  tail: Tail,
  client: ReturnType<typeof clientOf>,
  signal: AbortSignal,
): Writer {
  const countCommitted = async () => (await committed(client, IN)).flat().length;
  const ahead = Math.max(200, Math.ceil(records * AHEAD_SHARE));
  const rng = createRng(seed + 1);
  const mayWrite = () => tail.counted + ahead;
  return new Writer({ address, rng, ids, records, mayWrite, countCommitted, signal });
}

async function loseDisks(
  { seed, rounds, records, say }: SnapshotsRun,
  stage: Stage,
  tail: Tail,
  losses: Loss[],
): Promise<void> {
  const rng = createRng(seed);
  for (let round = 1; round <= rounds; round++) {
    const atCount = Math.floor((records * round) / (rounds + 1));
    const isStoreKilled = round % 2 === 0 || rng.chance(0.3);
    while (tail.counted < atCount) {
      if (tail.stillForMs > STUCK_AFTER_MS) throw new Error("nothing has moved for minutes");
      await sleep(10);
    }
    await sleep(rng.int(2 * SNAPSHOT_EVERY_MS));
    const partitions = rng.pick(PARTITIONS);
    say(`disk ${round} is lost (counted: ${tail.counted}), ${partitions} partitions come after it`);
    losses.push({ counted: tail.counted, partitions, isStoreKilled });
    await loseDisk(stage, partitions, isStoreKilled ? rng : undefined);
    await allReady([stage.runtime]);
  }
}

/** @param storm undefined: the S3 server stays alive */
async function loseDisk(stage: Stage, partitions: number, storm: Rng | undefined): Promise<void> {
  const { runtime, store, dataDir } = stage;
  const isBefore = storm?.chance(0.5) === true;
  const awayMs = storm?.int(AWAY_MS) ?? 0;
  const pauseMs = storm?.int(SNAPSHOT_EVERY_MS) ?? 0;
  store.beforeStart = () => sleep(awayMs);
  runtime.trouble = storm === undefined ? "nothing" : "S3 server";
  if (storm !== undefined && isBefore) {
    await store.kill();
    await sleep(pauseMs);
  }
  runtime.beforeStart = async () => {
    rmSync(dataDir, { recursive: true, force: true });
    stage.partitions = partitions;
    // Once: what comes to be there is not lost when the start fails.
    runtime.beforeStart = async () => {};
  };
  await runtime.kill();
  if (storm !== undefined && !isBefore) {
    await sleep(pauseMs);
    await store.kill();
  }
}

/** Nobody may end by himself, but the runtime where the S3 server was away for longer than it waits. */
function strangeEnds({ name, ownEnds }: Subject): string[] {
  return ownEnds.flatMap(({ code, signal, words, during }) => {
    if (name === "runtime" && during === "S3 server" && /BLOB_UNAVAILABLE/.test(words)) return [];
    return [`the ${name} ended by itself with ${signal ?? code} during ${during}: ${words}`];
  });
}
