import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { TopicLogOptions } from "../../src/log/options.ts";
import type { LogPartition } from "../../src/log/partition.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { ONE_READ, record, textsOf } from "./support.ts";

async function opened(
  t: TestContext,
  disk: SimulatedDisk,
  options: TopicLogOptions = {},
): Promise<LogPartition> {
  const log = await TopicLog.open("/data", { files: disk.boot(), ...options });
  t.after(() => log.close());
  return await (await log.topic("orders", 1)).partition(0);
}

function noSpace(): Error {
  return Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" });
}

test("appends that arrive together share one write and one sync", async (t) => {
  const disk = new SimulatedDisk();
  const partition = await opened(t, disk);
  const before = disk.counts.sync ?? 0;
  const results = await Promise.all(
    [..."abcdefgh"].map((text) => partition.append([record(text)])),
  );
  assert.equal((disk.counts.sync ?? 0) - before, 1);
  assert.deepEqual(
    results.map((result) => result.firstOffset),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  assert.deepEqual(await textsOf(partition), [..."abcdefgh"]);
});

test("a reader sees nothing before it is synced", async (t) => {
  const disk = new SimulatedDisk();
  const partition = await opened(t, disk);
  const ends: number[] = [];
  disk.fault = (operation) => {
    if (operation === "sync") ends.push(partition.endOffset);
    return undefined;
  };
  await partition.append([record("a")]);
  assert.equal(ends[0], 0);
  assert.equal(partition.endOffset, 1);
});

test("a producer's numbers are taken once, over restarts and removed segments", async (t) => {
  const disk = new SimulatedDisk();
  const options = { segmentBytes: 300, retention: { maxBytes: 400 } };
  const producer = (...numbers: number[]) => ({ id: "ns/out/0", numbers });
  const first = await opened(t, disk, options);
  await first.append([record("one"), record("three")], producer(1, 3));
  assert.deepEqual(await first.append([record("three"), record("four")], producer(3, 4)), {
    firstOffset: 2,
    count: 1,
    skipped: 1,
  });
  for (let i = 0; i < 20; i++) await first.append([record(`filler ${i} ${"f".repeat(60)}`)]);
  await first.applyRetention();
  assert(first.startOffset > 3, "the producer's records are removed");
  await first.close();
  disk.losePower();

  const again = await opened(t, disk, options);
  assert.equal(again.producerMark("ns/out/0"), 4);
  const repeated = await again.append([record("four"), record("nine")], producer(4, 9));
  assert.deepEqual({ count: repeated.count, skipped: repeated.skipped }, { count: 1, skipped: 1 });
  const other = await again.append([record("of another")], { id: "ns/out/1", numbers: [1] });
  assert.equal(other.count, 1);
});

test("two appends of the same numbers at the same time are one", async (t) => {
  const partition = await opened(t, new SimulatedDisk());
  const producer = { id: "p", numbers: [1, 2] };
  const records = [record("a"), record("b")];
  const results = await Promise.all([
    partition.append(records, producer),
    partition.append(records, producer),
  ]);
  assert.deepEqual(
    results.map((result) => result.count),
    [2, 0],
  );
  assert.deepEqual(await textsOf(partition), ["a", "b"]);
});

for (const operation of ["write", "sync"] as const) {
  test(`after a failed ${operation} appends are refused until it is reopened, reading goes on`, async (t) => {
    const disk = new SimulatedDisk();
    const partition = await opened(t, disk);
    await partition.append([record("before")]);
    const segment = "/data/topics/orders/0/00000000000000000000.log";
    const { byteLength } = disk.bytesOf(segment);
    disk.fault = (own, path) =>
      own === operation && path.endsWith(".log") ? noSpace() : undefined;
    const failed = [partition.append([record("x")]), partition.append([record("y")])];
    for (const append of failed) await assert.rejects(append, { code: "LOG_WRITE_FAILED" });
    disk.fault = () => undefined;
    await assert.rejects(partition.append([record("z")]), {
      code: "LOG_WRITE_FAILED",
      message: /topic orders, partition 0: .*ENOSPC.*until it is reopened/,
    });
    assert.equal(partition.failure?.code, "LOG_WRITE_FAILED");
    assert.deepEqual(await textsOf(partition), ["before"]);

    await partition.reopen();
    assert.equal(partition.failure, undefined);
    assert.equal(disk.bytesOf(segment).byteLength, byteLength, "what was refused is gone");
    assert.equal((await partition.append([record("after")])).firstOffset, 1);
    disk.losePower();
    assert.deepEqual(await textsOf(await opened(t, disk)), ["before", "after"]);
  });
}

test("a disk that stays full is reported now and then, not for each append", async (t) => {
  const disk = new SimulatedDisk();
  let nowMs = 0;
  const said: unknown[] = [];
  const partition = await opened(t, disk, {
    clock: { now: () => nowMs },
    report: (_level, _message, { times } = {}) => said.push(times),
  });
  disk.fault = (operation, path) =>
    operation === "write" && path.endsWith(".log") ? noSpace() : undefined;
  for (nowMs = 0; nowMs <= 20_000; nowMs += 1_000) {
    await assert.rejects(partition.append([record("x")]), { code: "LOG_WRITE_FAILED" });
    await partition.reopen();
  }
  assert.deepEqual(said, [1, 10, 10]);
});

test("reopening fails as long as the disk refuses, and is safe after a segment that was half made", async (t) => {
  const disk = new SimulatedDisk();
  const options = { segmentBytes: 100 };
  const partition = await opened(t, disk, options);
  await partition.append([record("fills the segment".repeat(8))]);
  disk.fault = (operation) => (operation === "syncDirectory" ? noSpace() : undefined);
  await assert.rejects(partition.append([record("rolls")]), { code: "LOG_WRITE_FAILED" });
  await assert.rejects(partition.reopen(), { code: "LOG_WRITE_FAILED" });
  disk.fault = () => undefined;
  await partition.reopen();
  disk.kill();
  const again = await opened(t, disk, options);
  assert.equal(again.endOffset, 1);
  await again.append([record("after")]);
  disk.losePower();
  const texts = await textsOf(await opened(t, disk, options));
  assert.deepEqual(texts.slice(1), ["after"]);
});

test("an opening whose sync failed is made good for by the next, not believed", async (t) => {
  const disk = new SimulatedDisk();
  const first = await opened(t, disk);
  await first.append([record("synced")]);
  disk.fault = (operation, path) =>
    operation === "sync" && path.endsWith(".log") ? noSpace() : undefined;
  await assert.rejects(first.append([record("written, not synced")]));
  const log = await TopicLog.open("/data", { files: disk.boot() });
  const topic = log.find("orders");
  assert(topic !== undefined);
  await assert.rejects(topic.partition(0), { code: "UNAVAILABLE" });
  disk.fault = () => undefined;
  const seen = await textsOf(await topic.partition(0));
  disk.losePower();
  assert.deepEqual(await textsOf(await opened(t, disk)), seen);
});

test("a follower is woken by the append that reaches its offset", async (t) => {
  const partition = await opened(t, new SimulatedDisk());
  const signal = new AbortController().signal;
  let woken = false;
  const following = partition.follow(1, signal).then(() => {
    woken = true;
  });
  await partition.append([record("offset 0")]);
  await Promise.resolve();
  assert.equal(woken, false);
  await partition.append([record("offset 1")]);
  await following;
  await partition.follow(0, signal);
});

test("a follower ends with its signal's reason, or with the log", async (t) => {
  const partition = await opened(t, new SimulatedDisk());
  const abort = new AbortController();
  const following = partition.follow(0, abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(following, /enough/);
  await assert.rejects(partition.follow(0, abort.signal), /enough/);
  const other = partition.follow(0, new AbortController().signal);
  other.catch(() => {});
  await partition.close();
  await assert.rejects(other, { code: "UNAVAILABLE" });
  await assert.rejects(partition.append([record("late")]), { code: "UNAVAILABLE" });
});

test("a close waits for the appends it has taken", async (t) => {
  const disk = new SimulatedDisk();
  const partition = await opened(t, disk);
  const append = partition.append([record("just in time")]);
  await partition.close();
  assert.equal((await append).firstOffset, 0);
});

test("retention by size moves the start, and tells a reader below it", async (t) => {
  const disk = new SimulatedDisk();
  const partition = await opened(t, disk, { segmentBytes: 300, retention: { maxBytes: 700 } });
  for (let i = 0; i < 20; i++) await partition.append([record(`record ${i} ${"r".repeat(60)}`)]);
  await partition.applyRetention();
  const start = partition.startOffset;
  assert(start > 0 && start < 20);
  assert.deepEqual(await partition.read(0, ONE_READ), { kind: "belowStart", startOffset: start });
  assert.equal((await textsOf(partition)).length, 20 - start);
  await partition.close();
  disk.losePower();
  assert.equal((await opened(t, disk)).startOffset, start);
});

test("retention by age counts from when a segment was closed, and closes an old one itself", async (t) => {
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs };
  const retention = { maxAgeMs: 1000 };
  const partition = await opened(t, new SimulatedDisk(), { clock, retention });
  await partition.append([record("old")]);
  clock.nowMs += 999;
  await partition.applyRetention();
  assert.equal(partition.startOffset, 0, "it may only now have been written");
  await partition.append([record("young")]);
  clock.nowMs += 999;
  await partition.applyRetention();
  assert.equal(partition.startOffset, 0);
  clock.nowMs += 1;
  await partition.applyRetention();
  assert.equal(partition.startOffset, 1);
  assert.deepEqual(await textsOf(partition), ["young"]);
});

test("a reader beyond the end is told where the end is", async (t) => {
  const partition = await opened(t, new SimulatedDisk());
  await partition.append([record("a")]);
  assert.deepEqual(await partition.read(2, ONE_READ), { kind: "beyondEnd", endOffset: 1 });
  assert.deepEqual(await partition.read(1, ONE_READ), { kind: "records", records: [], next: 1 });
});

test("a read keeps to its limits and always brings a record", async (t) => {
  const partition = await opened(t, new SimulatedDisk());
  await partition.append([..."abcdef"].map((text) => record(text)));
  const three = await partition.read(2, { maxRecords: 3, maxBytes: 1e6 });
  assert(three.kind === "records");
  assert.deepEqual(
    three.records.map((found) => found.offset),
    [2, 3, 4],
  );
  assert.equal(three.next, 5);
  const one = await partition.read(5, { maxRecords: 3, maxBytes: 1 });
  assert(one.kind === "records");
  assert.equal(one.records.length, 1);
});

test("an old offset is read without reading what lies before it", async (t) => {
  const disk = new SimulatedDisk();
  const options = { segmentBytes: 2 ** 20 };
  const partition = await opened(t, disk, options);
  for (let i = 0; i < 60; i++) await partition.append([record(String(i).padEnd(50_000, "."))]);
  await partition.close();
  const again = await opened(t, disk, options);
  const before = disk.counts.read ?? 0;
  const result = await again.read(13, { maxRecords: 1, maxBytes: 1 });
  assert.equal(result.kind === "records" && result.records[0]?.offset, 13);
  const reads = (disk.counts.read ?? 0) - before;
  assert(reads <= 4, `${reads} reads: the index, and the place it says`);
});

test("what waits to be written is bounded, and one append more is refused", async (t) => {
  const partition = await opened(t, new SimulatedDisk(), { maxPendingBytes: 500 });
  const large = partition.append([record("x".repeat(1000))]);
  await assert.rejects(partition.append([record("y")]), { code: "OVERLOADED", message: /500/ });
  await large;
  await partition.append([record("y")]);
});

test("a record over the limit is refused, and nothing of its append is taken", async (t) => {
  const partition = await opened(t, new SimulatedDisk(), { maxRecordBytes: 200 });
  await assert.rejects(partition.append([record("small"), record("x".repeat(300))]), {
    code: "VALUE_TOO_LARGE",
  });
  assert.equal(partition.endOffset, 0);
});

test("a large append is cut into batches and stays in order", async (t) => {
  const partition = await opened(t, new SimulatedDisk());
  const texts = Array.from({ length: 50 }, (_, i) => String(i).padEnd(30_000, "-"));
  const numbers = texts.map((_, i) => 10 * i);
  await partition.append(
    texts.map((text) => record(text)),
    { id: "p", numbers },
  );
  assert.deepEqual(await textsOf(partition), texts);
  assert.equal(partition.producerMark("p"), 490);
});
