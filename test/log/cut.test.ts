import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { LogCut, SegmentCut } from "../../src/log/cut.ts";
import type { TopicLogOptions } from "../../src/log/options.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { record } from "./support.ts";

async function opened(t: TestContext, disk: SimulatedDisk, options: TopicLogOptions = {}) {
  const cuts: LogCut[] = [];
  const log = await TopicLog.open("/data", {
    ...{ files: disk.boot(), partitions: 1, onCut: (cut) => cuts.push(cut) },
    ...options,
  });
  t.after(() => log.close());
  return { log, cuts };
}

async function bytesOf(segment: SegmentCut | undefined): Promise<Buffer> {
  assert(segment !== undefined);
  const chunks: Uint8Array[] = [];
  for await (const chunk of segment.read(0, segment.bytes)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const fileOf = (topic: string): string => `/data/topics/${topic}/0/${"0".repeat(20)}.log`;

test("a cut holds what was acknowledged, and nothing that comes later", async (t) => {
  const disk = new SimulatedDisk();
  const { log, cuts } = await opened(t, disk);
  const orders = await log.topic("orders");
  await orders.append([record("a"), record("b")]);
  const before = disk.bytesOf(fileOf("orders"));
  const writing = orders.append([record("on its way")]);
  log.cutFor(3);
  assert.equal(log.barrier, 3);
  await writing;
  await orders.append([record("c")]);
  await log.topic("later");
  const [cut] = cuts;
  assert.deepEqual(
    cut?.topics.map(({ name }) => name),
    ["orders"],
  );
  const [partition] = cut.topics[0]?.partitions ?? [];
  assert.deepEqual([partition?.startOffset, partition?.endOffset], [0, 2]);
  assert.deepEqual(await bytesOf(partition?.segments[0]), before);
});

test("of one number or a lower one there is no second cut", async (t) => {
  const { log, cuts } = await opened(t, new SimulatedDisk());
  for (const barrier of [2, 2, 1, 0, 5]) log.cutFor(barrier);
  assert.deepEqual(
    cuts.map(({ barrier }) => barrier),
    [2, 5],
  );
  assert.equal(log.barrier, 5);
});

test("without anybody to give a cut to the number goes on all the same", async (t) => {
  const log = await TopicLog.open("/data", { files: new SimulatedDisk().boot() });
  t.after(() => log.close());
  log.cutFor(4);
  assert.equal(log.barrier, 4);
});

test("what a cut holds stays as it was while segments are closed, and retention waits for it", async (t) => {
  const { log, cuts } = await opened(t, new SimulatedDisk(), {
    segmentBytes: 200,
    retention: { maxBytes: 1 },
  });
  const orders = await log.topic("orders");
  for (let i = 0; i < 4; i++) await orders.append([record("x".repeat(150))]);
  log.cutFor(1);
  const [segments = []] = cuts[0]?.topics[0]?.partitions.map((each) => each.segments) ?? [];
  const before = await Promise.all(segments.map(bytesOf));
  for (let i = 0; i < 4; i++) await orders.append([record("y".repeat(150))]);
  await log.applyRetention();
  assert.deepEqual(await Promise.all(segments.map(bytesOf)), before);
  const partition = await orders.partition(0);
  const { startOffset } = partition;
  cuts[0]?.close();
  cuts[0]?.close();
  await log.applyRetention();
  assert(partition.startOffset > startOffset, "it goes on when the cut is closed");
  await assert.rejects(Promise.all(segments.map(bytesOf)), { code: "LOG_CORRUPT" });
});

test("a frame larger than what is read at once comes whole", async (t) => {
  const disk = new SimulatedDisk();
  const { log, cuts } = await opened(t, disk);
  const orders = await log.topic("orders");
  await orders.append([record("x".repeat(700_000)), record("y"), record("z".repeat(300_000))]);
  log.cutFor(1);
  const [segment] = cuts[0]?.topics[0]?.partitions[0]?.segments ?? [];
  assert.deepEqual(await bytesOf(segment), disk.bytesOf(fileOf("orders")));
});

test("damage to what a cut holds is found as it is read, and by the next cut after a restart", async (t) => {
  const disk = new SimulatedDisk();
  const { log, cuts } = await opened(t, disk, { maxOpenFiles: 1 });
  const orders = await log.topic("orders");
  await orders.append([record("a".repeat(100))]);
  log.cutFor(1);
  const bytes = disk.bytesOf(fileOf("orders"));
  bytes[bytes.byteLength - 20] = 1;
  disk.overwrite(fileOf("orders"), bytes);
  await log.topic("another, so that the file is opened anew".replaceAll(/\W/g, "-"));
  const [segment] = cuts[0]?.topics[0]?.partitions[0]?.segments ?? [];
  await assert.rejects(bytesOf(segment), { code: "LOG_CORRUPT", message: /snapshot/ });
  await log.close();
  const again = await opened(t, disk);
  again.log.cutFor(1);
  assert.equal(again.cuts[0]?.problem?.code, "LOG_CORRUPT");
});

test("a cut without a topic that is damaged says so", async (t) => {
  const disk = new SimulatedDisk();
  const first = await opened(t, disk);
  await (await first.log.topic("orders")).append([record("a")]);
  await (await first.log.topic("whole")).append([record("b")]);
  await first.log.close();
  disk.lose("/data/topics/orders/topic.json");
  const { log, cuts } = await opened(t, disk);
  log.cutFor(1);
  const [cut] = cuts;
  assert.match(cut?.problem?.message ?? "", /orders/);
  assert.equal(cut?.topics.length, 1);
});
