import { StatefoldError } from "../../src/base/errors.ts";
import type { Marker } from "../../src/egress/kafka-marker.ts";
import { Placement } from "../../src/egress/kafka-placement.ts";
import { Transactions } from "../../src/egress/kafka-transactions.ts";
import type { KafkaCluster } from "../../src/kafka/contract.ts";
import { readCommitted } from "../../src/kafka/read-committed.ts";
import { FakeBroker, type Trouble } from "../kafka/fake/broker.ts";
import { MemoryIntents } from "./memory-intents.ts";

/* Processes that publish over a broker that misbehaves, while time passes as it must. */

/** Time passes as soon as everybody waits for it. */
class Clock {
  nowMs = 0;
  readonly #waiting: { readonly atMs: number; readonly then: () => void }[] = [];
  #isRunning = false;

  later = (waitMs: number, then: () => void): void => {
    this.#waiting.push({ atMs: this.nowMs + waitMs, then });
    if (this.#isRunning) return;
    this.#isRunning = true;
    setImmediate(() => this.#run());
  };

  sleep = (waitMs: number): Promise<void> => new Promise((resolve) => this.later(waitMs, resolve));

  #run(): void {
    this.#waiting.sort((a, b) => a.atMs - b.atMs);
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.then();
    }
    this.#isRunning = this.#waiting.length > 0;
    if (this.#isRunning) setImmediate(() => this.#run());
  }
}

interface Differences {
  readonly data?: string;
  /** The first number of this life of the partition. Default 1. */
  readonly next?: number;
  readonly acceptLoss?: boolean;
  readonly maxSequence?: number;
}

interface Process {
  readonly out: Transactions;
  readonly client: KafkaCluster;
  /** How transactions have ended. */
  readonly ends: boolean[];
  readonly foreign: Marker[];
  /** Ends that it had to write for a broker. */
  forgotten: number;
}

interface World {
  readonly clock: Clock;
  readonly broker: FakeBroker;
  trouble: ((request: string) => Trouble | undefined) | undefined;
  /** A process that publishes under the same name. */
  /** What its processes were about to commit: they have the same data. */
  readonly intents: MemoryIntents;
  process(owner: string, differences?: Differences): Process;
}

export function world(): World {
  const clock = new Clock();
  const made: World = {
    clock,
    trouble: undefined,
    intents: new MemoryIntents(),
    broker: new FakeBroker({
      nowMs: () => clock.nowMs,
      later: clock.later,
      endMs: () => 3,
      trouble: (request) => made.trouble?.(request),
    }),
    process(owner, { data = "d1", next = 1, acceptLoss = false, maxSequence = 1_000_000 } = {}) {
      const cluster = made.broker.client();
      const { sleep } = clock;
      const nowMs = () => clock.nowMs;
      const ends: boolean[] = [];
      const foreign: Marker[] = [];
      const placement = new Placement({
        ...{ cluster, nowMs, sleep, metadataMaxAgeMs: 60_000, batchBytes: 200 },
      });
      const { signal } = new AbortController();
      const out = new Transactions({
        ...{ cluster, placement, name: "app/out/0", transactionTimeoutMs: 60_000, acceptLoss },
        ...{ owner: { data, process: owner }, compression: "none", maxSequence },
        patience: { sleep, signal, random: () => 0.5, tries: 50 },
        intents: made.intents,
        onEnd: (isCommitted) => ends.push(isCommitted),
        onForgotten: () => {
          process.forgotten++;
        },
        onForeign: (marker) => foreign.push(marker),
      });
      out.opened(next);
      const process: Process = { out, client: cluster, ends, foreign, forgotten: 0 };
      return process;
    },
  };
  made.broker.createTopic("a", 3);
  made.broker.createTopic("b", 1);
  return made;
}

export function records(from: number, until: number, topic = "a") {
  return Array.from({ length: until - from }, (_, i) => {
    const value = Buffer.from(String(from + i));
    const key = Buffer.from(`k${(from + i) % 5}`);
    const record = { timestampMs: 0, key, value, headers: [] };
    return { number: from + i, topic, record };
  });
}

/** Call after call, as a publisher does: behind a failure a part comes first. */
export async function publishAll(out: Transactions, all: ReturnType<typeof records>) {
  for (let left = all; left.length > 0; ) {
    const { upTo } = await out.publish(left);
    left = left.filter(({ number }) => number > upTo);
  }
}

/** What a consumer that reads committed records finds, partition by partition. */
export async function found({ broker, clock }: World, topic: string): Promise<number[][]> {
  await clock.sleep(20); // the last transaction's end is written
  return (broker.topics.get(topic) ?? []).map((log) => {
    const { batches, aborted } = log.read(0, Infinity);
    const { records: read } = readCommitted({ batches, aborted: aborted.toReversed() }, 0);
    return read.map(({ value }) => Number(Buffer.from(value ?? []).toString()));
  });
}

export const all = (partitions: number[][]): number[] =>
  partitions.flat().toSorted((a, b) => a - b);
export const range = (from: number, until: number): number[] =>
  Array.from({ length: until - from }, (_, i) => from + i);

export const code = (expected: string) => (error: unknown) =>
  error instanceof StatefoldError && error.code === expected;
