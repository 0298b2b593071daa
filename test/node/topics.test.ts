import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TopicLog } from "../../src/log/topic-log.ts";
import { NodeTopics } from "../../src/node/topics.ts";
import { SimulatedDisk } from "../log/simulated-disk.ts";
import { atEnd } from "../support/cleanup.ts";

interface World {
  readonly topics: NodeTopics;
  readonly log: TopicLog;
  readonly disk: SimulatedDisk;
}

async function world(t: TestContext, partitions = 3): Promise<World> {
  const disk = new SimulatedDisk();
  const log = await TopicLog.open("/data", { files: disk.boot(), partitions });
  atEnd(t, () => log.close());
  return { topics: new NodeTopics(log), log, disk };
}

const aRecord = (value: string, place: { key?: string; partition?: number } = {}) => ({
  key: place.key === undefined ? undefined : Buffer.from(place.key),
  value: Buffer.from(value),
  headers: [],
  partition: place.partition,
  timestampMs: undefined,
});

const textOf = ({ value }: { value: Uint8Array | undefined }) =>
  Buffer.from(value ?? "").toString();

async function read(topics: NodeTopics, partition: number, from: number | "earliest" = "earliest") {
  const limits = { maxRecords: 100, maxBytes: 1_000_000 };
  return (await topics.read("t", { partition, from, ...limits })).map(textOf);
}

test("records go where they are sent, by their key, or in turn, and every one says where it is", async (t) => {
  const { topics } = await world(t);
  const places = await topics.write("t", [
    aRecord("a", { partition: 1 }),
    aRecord("b", { key: "k" }),
    aRecord("c"),
    aRecord("d"),
    aRecord("e", { partition: 1 }),
  ]);
  const [, keyed] = places;
  const all = await Promise.all([0, 1, 2].map((partition) => read(topics, partition)));
  assert.deepEqual(
    places.map(({ partition, offset }) => all[partition]?.[offset]),
    ["a", "b", "c", "d", "e"],
  );
  const [again] = await topics.write("t", [aRecord("f", { key: "k" })]);
  assert.equal(again?.partition, keyed?.partition);
});

test("records of one partition keep their order, however their partition was found", async (t) => {
  const { topics } = await world(t, 1);
  const values = ["0", "1", "2", "3", "4", "5"];
  const ways = [{}, { key: "k" }, { partition: 0 }];
  await topics.write(
    "t",
    values.map((value, i) => aRecord(value, ways[i % 3])),
  );
  assert.deepEqual(await read(topics, 0), values);
});

test("more than WRITE_RECORDS records are appended in parts, in their order", async (t) => {
  const { topics, log } = await world(t, 1);
  const topic = await log.topic("t");
  const append = t.mock.method(topic, "append");
  const places = await topics.write(
    "t",
    Array.from({ length: 12_000 }, (_, i) => aRecord(`${i}`)),
  );
  assert.deepEqual(
    append.mock.calls.map(({ arguments: [records] }) => records.length),
    [5_000, 5_000, 2_000],
  );
  assert.deepEqual(
    places.map(({ offset }) => offset),
    places.map((_, i) => i),
  );
  assert.deepEqual(await read(topics, 0, 11_999), ["11999"]);
});

test("a partition that the topic lacks is refused before anything is written", async (t) => {
  const { topics } = await world(t);
  const refused = {
    code: "REQUEST_INVALID",
    message: "topic t has the partitions 0 to 2",
  };
  await assert.rejects(
    topics.write("t", [aRecord("a"), aRecord("b", { partition: 3 }), aRecord("c")]),
    refused,
  );
  assert.deepEqual(await Promise.all([0, 1, 2].map((each) => read(topics, each))), [[], [], []]);
  await assert.rejects(read(topics, 3), refused);
  const signal = new AbortController().signal;
  await assert.rejects(topics.follow("t", { partition: 3, from: 0 }, signal), refused);
});

test("a topic that nobody has written to is unknown to readers", async (t) => {
  const { topics } = await world(t);
  const signal = new AbortController().signal;
  await assert.rejects(read(topics, 0), {
    code: "TOPIC_UNKNOWN",
    message: 'there is no topic "t"',
  });
  const range = { partition: undefined, from: "earliest" } as const;
  await assert.rejects(topics.follow("t", range, signal), { code: "TOPIC_UNKNOWN" });
  assert.deepEqual(await topics.list(), []);
});

test("an offset below what is kept, or beyond the end, is where reading may begin", async (t) => {
  const { topics } = await world(t, 1);
  await topics.write("t", [aRecord("a"), aRecord("b")]);
  assert.deepEqual(await read(topics, 0, 1), ["b"]);
  assert.deepEqual(await read(topics, 0, 99), []);
});

test("a write that the disk refused may be sent again once there is room", async (t) => {
  const { topics, disk } = await world(t, 1);
  await topics.write("t", [aRecord("a")]);
  disk.fault = (operation) => (operation === "sync" ? new Error("ENOSPC") : undefined);
  await assert.rejects(topics.write("t", [aRecord("b")]), { code: "LOG_WRITE_FAILED" });
  await assert.rejects(topics.write("t", [aRecord("b")]), { code: "LOG_WRITE_FAILED" });
  disk.fault = () => undefined;
  const [place] = await topics.write("t", [aRecord("b")]);
  assert.deepEqual(place, { partition: 0, offset: 1 });
  assert.deepEqual(await read(topics, 0), ["a", "b"]);
});

test("a follower of many partitions gets what comes in any of them, and ends when it is told", async (t) => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on("warning", warned);
  t.after(() => process.off("warning", warned));
  const { topics } = await world(t, 20);
  await topics.write("t", [aRecord("old", { partition: 7 })]);
  const end = new AbortController();
  const range = { partition: undefined, from: "earliest" } as const;
  const records = (await topics.follow("t", range, end.signal))[Symbol.asyncIterator]();
  assert.equal((await records.next()).value.partition, 7);
  for (const partition of [19, 0, 7]) {
    const next = records.next();
    await topics.write("t", [aRecord("new", { partition })]);
    const { value } = await next;
    assert.deepEqual([value.partition, textOf(value)], [partition, "new"]);
  }
  const last = records.next();
  await new Promise(setImmediate); // it waits for all of them
  end.abort();
  assert.equal((await last).done, true);
  assert.deepEqual(warnings, []);
});

test("a follower from the latest gets only what comes", async (t) => {
  const { topics } = await world(t, 2);
  await topics.write("t", [aRecord("a", { partition: 0 }), aRecord("b", { partition: 1 })]);
  const end = new AbortController();
  const range = { partition: 1, from: "latest" } as const;
  const records = (await topics.follow("t", range, end.signal))[Symbol.asyncIterator]();
  const next = records.next();
  await topics.write("t", [aRecord("c", { partition: 0 }), aRecord("d", { partition: 1 })]);
  assert.equal(textOf((await next).value), "d");
  const aborted = AbortSignal.abort();
  const none = (await topics.follow("t", range, aborted))[Symbol.asyncIterator]();
  assert.equal((await none.next()).done, true);
});

test("a list says what is kept of each partition", async (t) => {
  const { topics } = await world(t, 2);
  await topics.write("t", [aRecord("a", { partition: 1 })]);
  const [topic] = await topics.list();
  assert.equal(topic?.name, "t");
  assert.deepEqual(
    topic?.partitions.map(({ beginOffset, endOffset }) => [beginOffset, endOffset]),
    [
      [0, 0],
      [0, 1],
    ],
  );
});
