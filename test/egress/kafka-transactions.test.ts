import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import type { Marker } from "../../src/egress/kafka-marker.ts";
import { Placement } from "../../src/egress/kafka-placement.ts";
import { Transactions } from "../../src/egress/kafka-transactions.ts";
import type { KafkaCluster } from "../../src/kafka/contract.ts";
import { readCommitted } from "../../src/kafka/read-committed.ts";
import { FakeBroker, type Trouble } from "../kafka/fake/broker.ts";
import { createRng } from "../support/rng.ts";

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
}

interface World {
  readonly clock: Clock;
  readonly broker: FakeBroker;
  trouble: ((request: string) => Trouble | undefined) | undefined;
  /** A process that publishes under the same name. */
  process(owner: string, differences?: Differences): Process;
}

function world(): World {
  const clock = new Clock();
  const made: World = {
    clock,
    trouble: undefined,
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
        onEnd: (isCommitted) => ends.push(isCommitted),
        onForeign: (marker) => foreign.push(marker),
      });
      out.opened(next);
      return { out, client: cluster, ends, foreign };
    },
  };
  made.broker.createTopic("a", 3);
  made.broker.createTopic("b", 1);
  return made;
}

function records(from: number, until: number, topic = "a") {
  return Array.from({ length: until - from }, (_, i) => {
    const value = Buffer.from(String(from + i));
    const key = Buffer.from(`k${(from + i) % 5}`);
    const record = { timestampMs: 0, key, value, headers: [] };
    return { number: from + i, topic, record };
  });
}

/** What a consumer that reads committed records finds, partition by partition. */
async function found({ broker, clock }: World, topic: string): Promise<number[][]> {
  await clock.sleep(20); // the last transaction's end is written
  return (broker.topics.get(topic) ?? []).map((log) => {
    const { batches, aborted } = log.read(0, Infinity);
    const { records: read } = readCommitted({ batches, aborted: aborted.toReversed() }, 0);
    return read.map(({ value }) => Number(Buffer.from(value ?? []).toString()));
  });
}

const all = (partitions: number[][]): number[] => partitions.flat().toSorted((a, b) => a - b);
const range = (from: number, until: number): number[] =>
  Array.from({ length: until - from }, (_, i) => from + i);

const code = (expected: string) => (error: unknown) =>
  error instanceof StatefoldError && error.code === expected;

test("what is published is in its topics once, by key and in order", async () => {
  const stage = world();
  const { out } = stage.process("one");
  assert.deepEqual(await out.publish(records(1, 40)), { upTo: 39, refused: [] });
  assert.deepEqual(await out.publish(records(40, 60)), { upTo: 59, refused: [] });
  const partitions = await found(stage, "a");
  assert.deepEqual(all(partitions), range(1, 60));
  for (const one of partitions) assert.deepEqual(one, all([one]));
});

test("a process that comes after a crash goes on behind the marker", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 10));
  const { out } = stage.process("two", { next: 15 });
  await out.fence();
  // The records before the crash come again, and more behind them.
  assert.deepEqual(await out.publish(records(1, 15)), { upTo: 9, refused: [] });
  assert.deepEqual(await out.publish(records(10, 15)), { upTo: 14, refused: [] });
  assert.deepEqual(all(await found(stage, "a")), range(1, 15));
});

test("a predecessor that wakes up can write nothing, and says who took over", async () => {
  const stage = world();
  const zombie = stage.process("one").out;
  await zombie.publish(records(1, 5));
  const successor = stage.process("two", { next: 8 }).out;
  await successor.fence();
  await assert.rejects(zombie.publish(records(5, 8)));
  await assert.rejects(zombie.publish(records(5, 8)), code("KAFKA_FENCED"));
  await successor.publish(records(5, 9));
  assert.deepEqual(all(await found(stage, "a")), range(1, 9));
});

test("a transaction that took too long is published again by the same process", async () => {
  const stage = world();
  const { out, client } = stage.process("one");
  await out.publish(records(1, 3));
  // The broker hears nothing more of the transaction once it is open.
  stage.trouble = (request) => (request === "endTransaction" ? { kind: "lost" } : undefined);
  await assert.rejects(out.publish(records(3, 6)));
  stage.trouble = undefined;
  stage.clock.nowMs += 70_000;
  await client.leaders("a");
  assert.deepEqual(await out.publish(records(3, 6)), { upTo: 5, refused: [] });
  assert.deepEqual(all(await found(stage, "a")), range(1, 6));
});

test("a first transaction that was aborted leaves no marker, and is published again", async () => {
  const stage = world();
  const { out, client } = stage.process("one");
  stage.trouble = (request) => (request === "endTransaction" ? { kind: "lost" } : undefined);
  await assert.rejects(out.publish(records(1, 4)));
  stage.trouble = undefined;
  stage.clock.nowMs += 70_000;
  await client.leaders("a");
  await out.publish(records(1, 4));
  assert.deepEqual(all(await found(stage, "a")), range(1, 4));
});

test("a marker that was there and went with a commit in the air is an error", async () => {
  const stage = world();
  const { out } = stage.process("one");
  await out.publish(records(1, 4));
  stage.trouble = (request) => (request === "endTransaction" ? { kind: "lost" } : undefined);
  await assert.rejects(out.publish(records(4, 6)));
  stage.trouble = undefined;
  stage.broker.expireOffsets("app/out/0");
  await assert.rejects(out.publish(records(4, 6)), code("KAFKA_MARKER_LOST"));
});

test("a record for a topic that is not there is refused, and the others go on", async () => {
  const stage = world();
  const { out } = stage.process("one");
  const mixed = [...records(1, 4), ...records(4, 5, "nowhere"), ...records(5, 8)];
  const { upTo, refused } = await out.publish(mixed);
  assert.equal(upTo, 7);
  assert.deepEqual(
    refused.map(({ number }) => number),
    [4],
  );
  assert.match(refused[0]?.reason ?? "", /no topic nowhere/);
  assert.deepEqual(all(await found(stage, "a")), [1, 2, 3, 5, 6, 7]);
});

test("a record that was refused stays so when the process ends before that is noted", async () => {
  const stage = world();
  const mixed = [...records(1, 4), ...records(4, 5, "nowhere")];
  await stage.process("one").out.publish(mixed);
  stage.broker.createTopic("nowhere", 1);
  const { upTo, refused } = await stage.process("two", { next: 5 }).out.publish(mixed);
  assert.equal(upTo, 4);
  assert.deepEqual(
    refused.map(({ number }) => number),
    [4],
  );
  assert.deepEqual(all(await found(stage, "nowhere")), []);
});

test("of a batch that is refused the one record at fault is found", async () => {
  const stage = world();
  const { out } = stage.process("one");
  await out.publish(records(1, 3));
  stage.broker.refuses = (record) => record.value?.toString() === "7";
  const { upTo, refused } = await out.publish(records(3, 20));
  assert.equal(upTo, 19);
  assert.deepEqual(
    refused.map(({ number }) => number),
    [7],
  );
  assert.match(refused[0]?.reason ?? "", /MESSAGE_TOO_LARGE/);
  assert.deepEqual(
    all(await found(stage, "a")),
    range(1, 20).filter((number) => number !== 7),
  );
});

test("more records than the marker can speak of are done in several calls", async () => {
  const stage = world();
  const { out } = stage.process("one");
  const many = [...records(1, 2), ...records(2, 15_000, "nowhere")];
  const first = await out.publish(many);
  assert.deepEqual([first.upTo, first.refused.length], [12_000, 11_999]);
  const second = await out.publish(many.slice(12_000));
  assert.deepEqual([second.upTo, second.refused[0]?.number], [14_999, 12_001]);
});

test("records that were refused are told after a crash, those of the call before too", async () => {
  const stage = world();
  const { out } = stage.process("one");
  await out.publish([...records(1, 3), ...records(3, 4, "nowhere")]);
  await out.publish([...records(4, 6), ...records(6, 7, "nowhere")]);
  const again = await stage.process("two", { next: 7 }).out.publish(records(1, 7));
  assert.deepEqual(
    again.refused.map(({ number }) => number),
    [3, 6],
  );
});

test("a marker that the broker has forgotten is an error, and nothing is published", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 4));
  await found(stage, "a");
  stage.broker.expireOffsets("app/out/0");
  const again = stage.process("two", { next: 6 }).out;
  await assert.rejects(again.publish(records(4, 6)), code("KAFKA_MARKER_LOST"));
  assert.deepEqual(all(await found(stage, "a")), range(1, 4));
});

test("a forgotten marker is no trouble when all that was given before is known to be done", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 4));
  await found(stage, "a");
  stage.broker.expireOffsets("app/out/0");
  await stage.process("two", { next: 4 }).out.publish(records(4, 6));
  assert.deepEqual(all(await found(stage, "a")), range(1, 6));
});

test("with a loss accepted what waits is published although the marker is gone", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 4));
  await found(stage, "a");
  stage.broker.expireOffsets("app/out/0");
  await stage.process("two", { next: 6, acceptLoss: true }).out.publish(records(3, 6));
  assert.deepEqual(all(await found(stage, "a")), [1, 2, 3, 3, 4, 5]);
});

test("a marker that goes while the process lives is put back from memory", async () => {
  const stage = world();
  const { out, client } = stage.process("one");
  await out.publish(records(1, 4));
  await found(stage, "a");
  stage.broker.expireOffsets("app/out/0");
  stage.trouble = (request) => (request === "addOffsets" ? { kind: "lost" } : undefined);
  await assert.rejects(out.publish(records(4, 6)));
  stage.trouble = undefined;
  await client.leaders("a");
  await out.publish(records(2, 6));
  await out.publish(records(4, 6));
  assert.deepEqual(all(await found(stage, "a")), range(1, 6));
});

test("a marker that is ahead of the data is an error: the data is an older copy", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 9));
  const { out } = stage.process("two", { next: 5 });
  await assert.rejects(out.fence(), code("KAFKA_MARKER_AHEAD"));
  await assert.rejects(out.publish(records(5, 7)), code("KAFKA_MARKER_AHEAD"));
  assert.deepEqual(all(await found(stage, "a")), range(1, 9));
});

test("with a loss accepted an older copy of the data goes on from its own numbers", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 9));
  const { out } = stage.process("two", { next: 5, acceptLoss: true });
  await out.publish(records(3, 7));
  await out.publish(records(5, 7));
  assert.deepEqual(all(await found(stage, "a")), [1, 2, 3, 4, 5, 5, 6, 6, 7, 8]);
  const third = stage.process("three", { next: 7 }).out;
  assert.deepEqual(await third.publish(records(5, 7)), { upTo: 6, refused: [] });
});

test("new data under an old name begins anew, and that is told", async () => {
  const stage = world();
  const old = stage.process("one").out;
  await old.publish(records(1, 9));
  const { out, foreign } = stage.process("two", { data: "d2" });
  await out.fence();
  assert.deepEqual(
    foreign.map(({ next }) => next),
    [9],
  );
  await assert.rejects(old.publish(records(9, 10)));
  await assert.rejects(old.publish(records(9, 10)), code("KAFKA_FENCED"));
  await out.publish(records(1, 4));
  assert.deepEqual(all(await found(stage, "a")), [1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8]);
  const again = stage.process("three", { data: "d2", next: 4 }).out;
  assert.deepEqual(await again.publish(records(1, 4)), { upTo: 3, refused: [] });
});

test("data that may have published before others took its name says so", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 4));
  await stage.process("two", { data: "d2" }).out.publish(records(1, 2));
  const { out } = stage.process("three", { next: 5 });
  await assert.rejects(out.publish(records(3, 5)), code("KAFKA_MARKER_LOST"));
  await out.publish(records(5, 7));
});

test("a topic too small for a batch gets smaller ones, and refuses what is too large alone", async () => {
  const stage = world();
  const { out, ends } = stage.process("one");
  stage.broker.maxBatchRecords = 1;
  await out.publish(records(1, 20, "b"));
  const aborted = ends.filter((isCommitted) => !isCommitted).length;
  assert.ok(aborted > 0 && aborted < 4, `${aborted} were tried in vain`);
  await out.publish(records(20, 40, "b"));
  assert.equal(ends.filter((isCommitted) => !isCommitted).length, aborted, "it has learnt");
  assert.deepEqual(await found(stage, "b"), [range(1, 40)]);
});

test("a topic that may not be written to is found, and the others go on", async () => {
  const stage = world();
  const { out } = stage.process("one");
  stage.broker.forbidden = "b";
  const { upTo, refused } = await out.publish([...records(1, 4), ...records(4, 6, "b")]);
  assert.deepEqual([upTo, refused.map(({ number }) => number)], [5, [4, 5]]);
  assert.match(refused[0]?.reason ?? "", /topic b.*TOPIC_AUTHORIZATION_FAILED/);
  assert.deepEqual(all(await found(stage, "a")), range(1, 4));
});

test("when its topic is deleted the marker finds another place", async () => {
  const stage = world();
  const { out } = stage.process("one");
  await out.publish(records(1, 4, "b"));
  await found(stage, "b");
  stage.broker.deleteTopic("b");
  await assert.rejects(out.publish(records(4, 6)));
  await out.publish(records(4, 6));
  const again = stage.process("two", { next: 8 }).out;
  assert.deepEqual(await again.publish(records(4, 8)), { upTo: 5, refused: [] });
  assert.deepEqual(all(await found(stage, "a")), [4, 5]);
});

test("a session ends before its numbers do, and the next goes on", async () => {
  const stage = world();
  const { out } = stage.process("one", { maxSequence: 10 });
  const sessions: string[] = [];
  stage.trouble = (request) => {
    if (request === "initProducer") sessions.push(request);
    return undefined;
  };
  for (let first = 1; first < 60; first += 6) await out.publish(records(first, first + 6, "b"));
  assert.ok(sessions.length >= 5, `${sessions.length} sessions`);
  assert.deepEqual(await found(stage, "b"), [range(1, 61)]);
});

test("a marker that is written again holds the same", async () => {
  const stage = world();
  const { out } = stage.process("one");
  await out.refresh();
  await out.publish([...records(1, 3), ...records(3, 4, "nowhere")]);
  await found(stage, "a");
  const before = [...(stage.broker.offsets.get("app/out/0")?.values() ?? [])];
  stage.broker.expireOffsets("app/out/0");
  await out.refresh();
  await found(stage, "a");
  assert.deepEqual([...(stage.broker.offsets.get("app/out/0")?.values() ?? [])], before);
});

test("a transaction time-out that the brokers do not allow is said in words", async () => {
  const stage = world();
  const { out } = stage.process("one");
  stage.trouble = (request) =>
    request === "initProducer" ? { kind: "error", code: "INVALID_TRANSACTION_TIMEOUT" } : undefined;
  await assert.rejects(out.fence(), /transaction\.max\.timeout\.ms/);
});

test("whatever fails, and whenever a process dies, each record is there once and in order", async () => {
  for (let seed = 1; seed <= 300; seed++) await ordeal(seed);
});

async function ordeal(seed: number): Promise<void> {
  const rng = createRng(seed);
  const stage = world();
  stage.trouble = () => {
    if (!rng.chance(0.08)) return undefined;
    return rng.chance(0.5) ? { kind: "lost" } : { kind: "answerLost" };
  };
  let owner = 0;
  let out = stage.process(`p${owner}`).out;
  let acknowledged = 0;
  const abandoned: Promise<unknown>[] = [];
  for (let step = 0; acknowledged < 60 && step < 2_000; step++) {
    if (step > 300) stage.trouble = undefined;
    const until = acknowledged + 2 + rng.int(20);
    const publishing = out.publish(records(acknowledged + 1, until));
    if (rng.chance(0.1) && step <= 300) {
      // It dies in the middle: its last words may still be on their way.
      abandoned.push(publishing.catch(() => {}));
      await stage.clock.sleep(rng.int(20));
      out = stage.process(`p${++owner}`, { next: 1_000 }).out;
      await out.fence().catch(() => {});
      continue;
    }
    acknowledged = await publishing.then(
      ({ upTo }) => upTo,
      () => acknowledged,
    );
    if (rng.chance(0.05)) stage.clock.nowMs += 70_000;
  }
  await Promise.all(abandoned);
  assert.ok(acknowledged >= 60, `seed ${seed}: it did not come to an end`);
  const partitions = await found(stage, "a");
  const numbers = all(partitions);
  assert.deepEqual(numbers, range(1, numbers.length + 1), `seed ${seed}`);
  assert.ok(numbers.length >= acknowledged, `seed ${seed}`);
  for (const one of partitions) assert.deepEqual(one, all([one]), `seed ${seed}: order`);
}
