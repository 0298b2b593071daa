import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { NewKafkaRecord, TopicPartition } from "../../src/kafka/contract.ts";
import { KafkaError } from "../../src/kafka/error.ts";
import { type FetchedRun, Fetcher, type Tap } from "../../src/kafka/fetcher.ts";
import { FakeBroker, type Trouble } from "./fake/broker.ts";

interface Stage {
  readonly broker: FakeBroker;
  readonly fetcher: Fetcher;
  /** What was asked of the broker so far. */
  readonly asked: string[];
  trouble: ((request: string) => Trouble | undefined) | undefined;
  readonly signal: AbortSignal;
}

function stage(t: TestContext): Stage {
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
  const limits = { minBytes: 1, maxBytes: 100_000, maxPartitionBytes: 1_000 };
  const fetcher = new Fetcher({ cluster, maxWaitMs: 200, ...limits });
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

test("a run moves on over what was aborted", async (t) => {
  const { broker, fetcher, signal } = stage(t);
  const log = broker.log(at(0));
  log.append(records("lost"), 7n, true);
  log.endTransaction(7n, false, 0);
  const tap = fetcher.open(at(0));
  const run = await tap.next(0, signal);
  assert.deepEqual(run, { first: 0, next: 2, records: [], end: 2 });
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
