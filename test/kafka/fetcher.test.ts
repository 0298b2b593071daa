import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import type { NewKafkaRecord, TopicPartition } from "../../src/kafka/contract.ts";
import { KafkaError } from "../../src/kafka/error.ts";
import {
  type FetchedRun,
  Fetcher,
  type FetcherOptions,
  type Tap,
} from "../../src/kafka/fetcher.ts";
import { FakeBroker, type Trouble } from "./fake/broker.ts";

interface Stage {
  readonly broker: FakeBroker;
  readonly fetcher: Fetcher;
  /** What was asked of the broker so far. */
  readonly asked: string[];
  trouble: ((request: string) => Trouble | undefined) | undefined;
  readonly signal: AbortSignal;
}

function stage(t: TestContext, options: Partial<FetcherOptions> = {}): Stage {
  const made: { trouble: Stage["trouble"] } = { trouble: undefined };
  const asked: string[] = [];
  const broker = new FakeBroker({
    nowMs: () => performance.now(),
    later: (waitMs, then) => void setTimeout(then, waitMs),
    nodes: 2,
    trouble(request) {
      asked.push(request);
      return made.trouble?.(request);
    },
  });
  broker.createTopic("a", 4);
  const cluster = broker.client();
  const limits = { minBytes: 1, maxBytes: 100_000, maxPartitionBytes: 1_000, maxHeldBytes: 20_000 };
  const fetcher = new Fetcher({ cluster, maxWaitMs: 200, ...limits, ...options });
  const end = new AbortController();
  t.after(async () => {
    end.abort(new Error("the test is over"));
    fetcher.stop();
    await cluster.close();
  });
  return Object.assign(made, { broker, fetcher, asked, signal: end.signal });
}

const at = (partition: number): TopicPartition => ({ topic: "a", partition });

function records(...values: string[]): NewKafkaRecord[] {
  return values.map((value) => ({
    ...{ timestampMs: 0, key: Buffer.from("k"), headers: [] },
    value: Buffer.from(value),
  }));
}

const textOf = (run: FetchedRun): string[] =>
  run.records.map(({ value }) => Buffer.from(value ?? []).toString());

/** The values of `count` records from a position on. */
async function read(tap: Tap, from: number, count: number, signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  for (let position = from; found.length < count; ) {
    const run = await tap.next(position, signal);
    assert.equal(run.first, position);
    found.push(...textOf(run));
    position = run.next;
  }
  return found;
}

test("records come in order, from the position asked for, also those written later", async (t) => {
  const { broker, fetcher, signal } = stage(t);
  broker.log(at(0)).append(records("a", "b"), -1n, false);
  broker.log(at(0)).append(records("c"), -1n, false);
  const tap = fetcher.open(at(0));
  assert.deepEqual(await read(tap, 1, 2, signal), ["b", "c"]);
  const waiting = read(tap, 3, 1, signal);
  broker.log(at(0)).append(records("d"), -1n, false);
  assert.deepEqual(await waiting, ["d"]);
  assert.deepEqual(await read(tap, 0, 1, signal), ["a", "b", "c", "d"]);
});

test("records that come one by one are taken together, those of a backlog as they can be had", async (t) => {
  let gathered = deferred<void>();
  const gather = () => gathered.promise;
  const { broker, fetcher, asked, signal } = stage(t, { gather, maxPartitionBytes: 100_000 });
  const write = (...values: string[]) => broker.log(at(0)).append(records(...values), -1n, false);
  const fetches = () => asked.filter((request) => request === "fetch").length;
  write("a");
  const tap = fetcher.open(at(0));
  assert.deepEqual(textOf(await tap.next(0, signal)), ["a"]);
  const waiting = tap.next(1, signal);
  write("b");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(fetches(), 1);
  write("x".repeat(70_000));
  gathered.resolve();
  gathered = deferred();
  assert.deepEqual(textOf(await waiting), ["b", "x".repeat(70_000)]);
  write("c");
  assert.deepEqual(textOf(await tap.next(3, signal)), ["c"]);
  assert.equal(fetches(), 3);
});

test("a run moves on over what was aborted", async (t) => {
  const { broker, fetcher, signal } = stage(t);
  const log = broker.log(at(0));
  log.append(records("lost"), 7n, true);
  log.endTransaction(7n, false, 0);
  const tap = fetcher.open(at(0));
  const run = await tap.next(0, signal);
  assert.deepEqual(run, { first: 0, next: 2, records: [], damage: undefined, bytes: 0 });
  assert.equal(tap.end, 2);
});

test("a partition whose records nobody takes stops no other, and holds two runs", async (t) => {
  const { broker, fetcher, signal } = stage(t);
  for (let i = 0; i < 50; i++) broker.log(at(0)).append(records("x".repeat(990)), -1n, false);
  const slow = fetcher.open(at(0));
  await slow.next(0, signal);
  const quick = fetcher.open(at(2)); // of the same broker
  for (let i = 0; i < 10; i++) {
    const waiting = quick.next(i, signal);
    broker.log(at(2)).append(records("y"), -1n, false);
    assert.deepEqual(textOf(await waiting), ["y"]);
  }
  assert.equal(slow.position, 3); // one was taken, two are held
});

test("an offset that is not there is an error, and nothing is asked until somebody asks", async (t) => {
  const { broker, fetcher, signal, asked } = stage(t);
  const tap = fetcher.open(at(0));
  const outOfRange = (error: unknown) =>
    error instanceof KafkaError && error.code === "OFFSET_OUT_OF_RANGE";
  await assert.rejects(tap.next(9, signal), outOfRange);
  const before = asked.length;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(asked.length, before);
  broker.log(at(0)).append(records("a"), -1n, false);
  assert.deepEqual(await read(tap, 0, 1, signal), ["a"]);
});

test("what fails is told to those who wait, and works when they ask again", async (t) => {
  const made = stage(t);
  const { broker, fetcher, signal } = made;
  broker.log(at(1)).append(records("a"), -1n, false);
  const tap = fetcher.open(at(1));
  made.trouble = (request) => (request === "fetch" ? { kind: "lost" } : undefined);
  await assert.rejects(tap.next(0, signal), /no answer/);
  made.trouble = (request) => (request === "leaders" ? { kind: "lost" } : undefined);
  await assert.rejects(tap.next(0, signal), /no answer/);
  made.trouble = undefined;
  assert.deepEqual(await read(tap, 0, 1, signal), ["a"]);
});

test("a topic that is not there is an error; so is waiting when it is over", async (t) => {
  const { fetcher } = stage(t);
  const none = fetcher.open({ topic: "none", partition: 0 });
  const end = new AbortController();
  await assert.rejects(none.next(0, end.signal), /UNKNOWN_TOPIC_OR_PARTITION/);
  const waiting = fetcher.open(at(3)).next(0, end.signal);
  end.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});

test("beyond maxHeldBytes a partition is fetched only when it holds nothing", async (t) => {
  const { broker, fetcher, signal } = stage(t, { maxHeldBytes: 1_000 });
  for (let i = 0; i < 5; i++) broker.log(at(0)).append(records("x".repeat(900)), -1n, false);
  const slow = fetcher.open(at(0));
  await slow.next(0, signal);
  const quick = fetcher.open(at(2));
  for (let i = 0; i < 3; i++) {
    broker.log(at(2)).append(records("y".repeat(900)), -1n, false);
    assert.equal((await quick.next(i, signal)).records.length, 1);
  }
  assert.equal(slow.position, 2); // one was taken, one is held
  assert.equal(fetcher.heldBytes, slow.heldBytes);
});

test("whoever got something is asked for last, so an answer that is full starves nobody", async (t) => {
  const { broker, fetcher, signal } = stage(t, { maxBytes: 1_000 });
  const even = [at(0), at(2)];
  for (const place of even) {
    for (let i = 0; i < 20; i++) broker.log(place).append(records("x".repeat(990)), -1n, false);
  }
  const [greedy, other] = even.map((place) => fetcher.open(place));
  assert(greedy !== undefined && other !== undefined);
  let isOver = false;
  const reading = (async () => {
    for (let i = 0; i < 20 && !isOver; i++) await greedy.next(i, signal);
  })();
  await other.next(0, signal);
  assert(greedy.position < 10);
  isOver = true;
  await reading;
});

test("who leads a topic is asked once for all of its partitions", async (t) => {
  const { fetcher, broker, signal, asked } = stage(t);
  for (const k of [0, 1, 2, 3]) broker.log(at(k)).append(records("a"), -1n, false);
  await Promise.all([0, 1, 2, 3].map((k) => fetcher.open(at(k)).next(0, signal)));
  assert.equal(asked.filter((request) => request === "leaders").length, 1);
});

test("what cannot be read is a run by itself, and what follows is fetched anew", async (t) => {
  const { broker, fetcher, signal } = stage(t);
  const log = broker.log(at(0));
  log.append(records("a"), -1n, false);
  log.append(records("b", "c"), 7n, true);
  log.append(records("d"), 8n, true);
  log.endTransaction(7n, false, 0); // offset 4
  log.append(records("e"), 7n, true);
  log.endTransaction(7n, true, 0);
  log.endTransaction(8n, true, 0);
  log.damage(4);
  const tap = fetcher.open(at(0));
  const before = await tap.next(0, signal);
  assert.deepEqual([textOf(before), before.next], [["a", "d"], 4]);
  const damaged = await tap.next(4, signal);
  assert.deepEqual([damaged.next, damaged.damage?.reason], [5, "it does not match its checksum"]);
  assert.deepEqual(await read(tap, 5, 1, signal), ["e"]);
});
