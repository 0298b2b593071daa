import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { EgressRecord } from "../../src/egress/contract.ts";
import { LogIngress, type LogIngressOptions } from "../../src/ingress/log.ts";
import type { TopicLogOptions } from "../../src/log/options.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import { Publisher } from "../../src/node/publisher.ts";
import { FakeSink } from "../contracts/fake-sink.ts";
import { SimulatedDisk } from "../log/simulated-disk.ts";
import { record } from "../log/support.ts";
import { SILENT } from "../node/a-node.ts";
import { until } from "../support/until.ts";

const MIB = 2 ** 20;

async function opened(t: TestContext, options: TopicLogOptions = {}) {
  const disk = new SimulatedDisk();
  const log = await TopicLog.open("/data", { files: disk.boot(), ...options });
  t.after(() => log.close());
  return { disk, log, partition: await (await log.topic("orders", 1)).partition(0) };
}

test("what waits to be written goes in writes of MAX_GROUP_BYTES, in order, and an append alone may be larger", async (t) => {
  const { disk, partition } = await opened(t, { maxPendingBytes: 200 * MIB });
  const syncs = () => disk.counts.sync ?? 0;
  const large = () => record("x".repeat(3 * MIB));
  const before = syncs();
  const results = await Promise.all([1, 2, 3, 4].map(() => partition.append([large()])));
  assert.equal(syncs() - before, 2, "two of them in each write");
  assert.deepEqual(
    results.map(({ firstOffset }) => firstOffset),
    [0, 1, 2, 3],
  );
  await partition.append([large(), large(), large()]);
  assert.equal(syncs() - before, 3);
});

test("a partition remembers MAX_PRODUCERS producers; one more is refused, and those it knows go on", async (t) => {
  const { partition } = await opened(t);
  const append = (id: string, number: number) =>
    partition.append([record("x")], { id, numbers: [number] });
  await Promise.all(Array.from({ length: 16_384 }, (_, i) => append(`p${i}`, 1)));
  await assert.rejects(append("one more", 1), {
    code: "OVERLOADED",
    message: /16384 producers are remembered/,
  });
  assert.equal((await append("p7", 1)).skipped, 1);
  assert.equal((await append("p7", 2)).firstOffset, 16_384);
  assert.equal((await partition.append([record("nobody's")])).firstOffset, 16_385);
});

test("a segment that has reached segmentBytes is closed, and everything is read across the seam", async (t) => {
  const { partition, disk } = await opened(t, { segmentBytes: 1_000 });
  for (let i = 0; i < 10; i++) await partition.append([record(`${i}`.padEnd(400, "."))]);
  const files = disk.paths().filter((path) => path.endsWith(".log"));
  assert(files.length >= 3, `${files}`);
  let next = 0;
  while (next < partition.endOffset) {
    const read = await partition.read(next, { maxRecords: 100, maxBytes: MIB });
    assert(read.kind === "records" && read.records[0]?.offset === next);
    ({ next } = read);
  }
  assert.equal(next, 10);
});

const SETTINGS = {
  id: "ns/in",
  startupPosition: { type: "earliest" },
  onInvalid: "deadLetter",
  topics: [{ topic: "orders", valueType: "ns/Order", targets: ["ns/fn"] }],
} as const;

async function reading(t: TestContext, options: Omit<LogIngressOptions, "settings">) {
  const sink = new FakeSink(1);
  const ingress = new LogIngress({ settings: SETTINGS, ...options });
  t.after(() => ingress.stop());
  return { sink, ingress };
}

test("an ingress hands over batches of batchRecords and batchBytes, holds two, and loses none", async (t) => {
  const { log, partition } = await opened(t);
  const texts = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(i < 20 ? 10 : 1_000, "."));
  await partition.append(texts.map((text) => record(text, "key")));
  const batches: number[] = [];
  const { sink, ingress } = await reading(t, { log, batchRecords: 7, batchBytes: 3_000 });
  const take = sink.take.bind(sink);
  sink.take = async (index, batch) => {
    batches.push(batch.records.length);
    await take(index, batch);
  };
  await ingress.start(sink);
  await sink.waitFor(40);
  assert.equal(
    batches.reduce((sum, count) => sum + count, 0),
    40,
  );
  assert(Math.max(...batches) === 7 && batches.includes(3), `${batches}`);
});

test("a source that fails tries again after initialMs, and after maxMs at most, and goes on", async (t) => {
  const { log, partition } = await opened(t);
  await partition.append([record("a", "key")]);
  const waits: number[] = [];
  const { sink, ingress } = await reading(t, {
    ...{ log, random: () => 1 },
    sleep: async (waitMs, signal) => {
      if (waitMs < 10_000) waits.push(waitMs);
      else await new Promise((resolve) => signal.addEventListener("abort", resolve)); // a call takes no time
    },
  });
  const take = sink.take.bind(sink);
  sink.take = async (index, batch) => {
    if (waits.length < 10) throw new Error("not now");
    await take(index, batch);
  };
  await ingress.start(sink);
  await sink.waitFor(1);
  assert.deepEqual(waits, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
});

/** A receiver that fails so often, and then takes everything. */
function publishing(t: TestContext, failures: number) {
  const calls: number[] = [];
  const waits: number[] = [];
  const acknowledged: number[] = [];
  const publisher = new Publisher({
    egress: {
      id: "test/out",
      start: async () => {},
      open: () => {},
      check: () => undefined,
      publish: async (_, __, records) => {
        calls.push(records.length);
        if (calls.length <= failures) throw new Error("it is away");
        return { refused: [] };
      },
      stop: async () => {},
    },
    ...{ partition: 0, logger: SILENT, random: () => 1 },
    acknowledge: ({ upTo }) => acknowledged.push(upTo),
    onFenced: () => {},
    onPublished: () => {},
    sleep: async (waitMs, signal) => {
      if (waitMs < 10_000) waits.push(waitMs);
      else await new Promise((resolve) => signal.addEventListener("abort", resolve)); // a call takes no time
    },
  });
  t.after(() => publisher.stop());
  return { publisher, calls, waits, acknowledged };
}

const records = (count: number): EgressRecord[] =>
  Array.from({ length: count }, () => ({
    value: { typename: "test/Text", hasValue: true, value: new Uint8Array(0) },
    sender: { type: "test/fn", id: "a" },
    ...{ causeId: undefined, traceparent: undefined },
  }));

test("one call to an egress has PUBLISH_RECORDS records at most, and the rest is the next", async (t) => {
  const { publisher, calls, acknowledged } = publishing(t, 0);
  publisher.add(1, records(1));
  for (let run = 0; run < 6; run++) publisher.add(2 + run * 1_000, records(1_000));
  await until("all to be taken", () => acknowledged.at(-1) === 6_001);
  assert.deepEqual(calls, [1, 5_000, 1_000]);
});

test("a call to an egress that fails is made again after initialMs, and after maxMs at most, with the same records", async (t) => {
  const { publisher, calls, waits, acknowledged } = publishing(t, 10);
  publisher.add(1, records(3));
  await until("it to be taken", () => acknowledged.at(-1) === 3);
  assert.deepEqual(waits, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000]);
  assert(calls.every((count) => count === 3));
});

test("options of the topic log have bounds of their own: MAX_RECORD_BYTES, MAX_PARTITIONS", async (t) => {
  const invalid = { code: "CONFIG_INVALID" };
  const open = (options: TopicLogOptions) =>
    TopicLog.open("/data", { files: new SimulatedDisk().boot(), ...options });
  await assert.rejects(open({ maxRecordBytes: 32 * MIB + 1 }), invalid);
  await assert.rejects(open({ partitions: 10_001 }), invalid);
  const log = await open({ maxRecordBytes: 32 * MIB, partitions: 10_000 });
  t.after(() => log.close());
  await assert.rejects(log.topic("t", 10_001), invalid);
  const partition = await (await log.topic("t", 1)).partition(0);
  await partition.append([record("x".repeat(32 * MIB - 1_000))]);
  assert.equal(partition.endOffset, 1);
});

test("a producer's id has MAX_PRODUCER_ID_BYTES at most, and nothing of a longer one is taken", async (t) => {
  const { partition } = await opened(t);
  const append = (id: string) => partition.append([record("x")], { id, numbers: [1] });
  await assert.rejects(append("p".repeat(257)), { code: "REQUEST_INVALID" });
  await append("p".repeat(256));
  assert.equal(partition.endOffset, 1);
});

test("a partition holds the indexes of MAX_INDEXES closed segments; others are read again when needed", async (t) => {
  const { partition, disk } = await opened(t, { segmentBytes: 300 });
  for (let i = 0; i < 14; i++) await partition.append([record(`${i}`.padEnd(300, "."))]);
  const reads = async (offsets: readonly number[]) => {
    const before = disk.counts.read ?? 0;
    for (const offset of offsets) {
      const read = await partition.read(offset, { maxRecords: 1, maxBytes: 1 });
      assert(read.kind === "records" && read.records[0]?.offset === offset);
    }
    return (disk.counts.read ?? 0) - before;
  };
  const few = [0, 1, 2, 3, 4, 5, 6, 7];
  await reads(few);
  const known = await reads(few);
  const many = [...few, 8, 9, 10, 11];
  await reads(many);
  const again = await reads(many);
  assert(again / many.length > known / few.length, `${known} reads of 8, ${again} of 12`);
});

test("a topic made on first use has the log's own number of partitions, and keeps it", async (t) => {
  const disk = new SimulatedDisk();
  const log = await TopicLog.open("/data", { files: disk.boot() });
  assert.equal((await log.topic("t")).partitionCount, 8);
  await log.close();
  const again = await TopicLog.open("/data", { files: disk.boot(), partitions: 3 });
  t.after(() => again.close());
  assert.equal((await again.topic("t")).partitionCount, 8);
  assert.equal((await again.topic("u")).partitionCount, 3);
});
