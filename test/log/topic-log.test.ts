import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { NewRecord } from "../../src/log/record.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import { partitionOf } from "../../src/model/partitioner.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { readAll, record, textsOf } from "./support.ts";

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "topic-log-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("a record comes back as it was written: key, value, headers and time", async (t) => {
  const path = await directory(t);
  const log = await TopicLog.open(path, { clock: { now: () => 1234 } });
  const topic = await log.topic("orders", 1);
  const records: NewRecord[] = [
    { ...record("value", "key"), headers: [{ key: "ü", value: Buffer.from([0, 255]) }] },
    { ...record("", ""), timestampMs: 99 },
    { key: undefined, value: undefined, headers: [], timestampMs: 2 ** 52 - 1 },
  ];
  await topic.append(records);
  await log.close();

  const again = await TopicLog.open(path);
  t.after(() => again.close());
  const found = await readAll(await (await again.topic("orders")).partition(0));
  assert.deepEqual(
    found.map((own) => ({
      ...own,
      key: own.key?.toString(),
      value: own.value?.toString(),
      headers: own.headers.map((header) => ({ key: header.key, value: [...header.value] })),
    })),
    [
      {
        offset: 0,
        key: "key",
        value: "value",
        headers: [{ key: "ü", value: [0, 255] }],
        timestampMs: 1234,
      },
      { offset: 1, key: "", value: "", headers: [], timestampMs: 99 },
      { offset: 2, key: undefined, value: undefined, headers: [], timestampMs: 2 ** 52 - 1 },
    ],
  );
});

test("a record goes to the partition of its key, one without key to each in turn", async (t) => {
  const log = await TopicLog.open(await directory(t), { partitions: 4 });
  t.after(() => log.close());
  const topic = await log.topic("orders");
  const keys = ["alice", "bob", "carol", "dave"];
  const places = await topic.append(keys.map((key) => record("v", key)));
  assert.deepEqual(
    places.map((place) => place.partition),
    keys.map((key) => partitionOf(key, 4)),
  );
  const turns = await topic.append(Array.from({ length: 8 }, () => record("v")));
  assert.deepEqual(
    turns.map((place) => place.partition),
    [0, 1, 2, 3, 0, 1, 2, 3],
  );
});

test("topics are made on first use, listed, and keep their partition count", async (t) => {
  const path = await directory(t);
  const log = await TopicLog.open(path);
  assert.equal(log.find("orders"), undefined);
  const [first, second] = await Promise.all([log.topic("orders", 3), log.topic("orders", 5)]);
  assert.equal(first, second);
  await log.topic("Orders", 1);
  await log.topic("..dots..", 1);
  await log.close();
  const again = await TopicLog.open(path);
  t.after(() => again.close());
  assert.deepEqual(
    again.list().map((topic) => [topic.name, topic.partitionCount]),
    [
      ["..dots..", 1],
      ["Orders", 1],
      ["orders", 3],
    ],
  );
  assert.equal((await again.topic("orders", 5)).partitionCount, 3);
  assert((await readdir(join(path, "topics"))).includes("orders"));
  await assert.rejects(first.partition(0), { code: "UNAVAILABLE" });
});

test("a name that Kafka would refuse is refused", async (t) => {
  const path = await directory(t);
  const log = await TopicLog.open(path);
  t.after(() => log.close());
  for (const name of ["", ".", "..", "a/b", "../x", "a\\b", "ä", "a b", "a\0", "x".repeat(250)]) {
    await assert.rejects(log.topic(name), { code: "REQUEST_INVALID" }, name);
  }
  await log.topic("x".repeat(249), 1);
  await log.topic("X".repeat(249), 1);
  assert.equal((await readdir(join(path, "topics"))).length, 2);
});

test("a directory that cannot be used is named", async () => {
  const disk = new SimulatedDisk();
  const files = disk.boot();
  disk.fault = (operation) =>
    operation === "makeDirectory" ? new Error("EACCES: permission denied") : undefined;
  await assert.rejects(TopicLog.open("/data", { files }), {
    code: "LOG_WRITE_FAILED",
    message: /\/data\/topics could not be opened: EACCES/,
  });
});

test("topics are bounded in number", async (t) => {
  const log = await TopicLog.open(await directory(t), { maxTopics: 1, partitions: 1 });
  t.after(() => log.close());
  const made = await Promise.allSettled([log.topic("one"), log.topic("two")]);
  assert.deepEqual(
    made.map((end) => end.status),
    ["fulfilled", "rejected"],
  );
  await assert.rejects(log.topic("three"), { code: "OVERLOADED" });
  await log.topic("one");
});

test("an impossible option is refused by name", async (t) => {
  const path = await directory(t);
  await assert.rejects(TopicLog.open(path, { partitions: 0 }), {
    code: "CONFIG_INVALID",
    message: /partitions is 0/,
  });
  const log = await TopicLog.open(path);
  t.after(() => log.close());
  await assert.rejects(log.topic("t", 1.5), { code: "CONFIG_INVALID" });
  await assert.rejects((await log.topic("t", 2)).partition(2), { code: "NOT_FOUND" });
});

test("open files stay within their bound, however many partitions are used", async (t) => {
  const disk = new SimulatedDisk();
  const log = await TopicLog.open("/data", { files: disk.boot(), maxOpenFiles: 2 });
  t.after(() => log.close());
  const topic = await log.topic("orders", 12);
  for (let round = 0; round < 3; round++) {
    await topic.append(Array.from({ length: 24 }, (_, i) => record(String(i))));
  }
  let found = 0;
  for (let k = 0; k < 12; k++) found += (await textsOf(await topic.partition(k))).length;
  assert.equal(found, 72);
  assert.equal(disk.maxOpenFiles, 2);
});

test("a crowd of appends is written and read back whole from a real disk", async (t) => {
  const path = await directory(t);
  const log = await TopicLog.open(path, { segmentBytes: 20_000 });
  const topic = await log.topic("orders", 2);
  const appends = Array.from({ length: 500 }, (_, i) => topic.append([record(`${i}`, `${i % 7}`)]));
  await Promise.all(appends);
  await log.close();
  await log.close();
  const again = await TopicLog.open(path, { segmentBytes: 20_000 });
  t.after(() => again.close());
  const texts: string[] = [];
  for (let k = 0; k < 2; k++)
    texts.push(...(await textsOf(await (await again.topic("orders")).partition(k))));
  assert.deepEqual(
    texts.map(Number).sort((a, b) => a - b),
    Array.from({ length: 500 }, (_, i) => i),
  );
});

test("retention over all topics goes on where one cannot be opened", async (t) => {
  const disk = new SimulatedDisk();
  const reports: string[] = [];
  const options = {
    files: disk.boot(),
    segmentBytes: 200,
    retention: { maxBytes: 1 },
    report: (level: string, message: string) => reports.push(`${level}: ${message}`),
  };
  const first = await TopicLog.open("/data", { ...options, retention: {} });
  for (const name of ["a", "b"]) {
    const topic = await first.topic(name, 1);
    for (let i = 0; i < 9; i++) await topic.append([record("x".repeat(90))]);
  }
  await first.close();
  for (const path of disk.paths().filter((name) => name.startsWith("/data/topics/a/0"))) {
    disk.lose(path);
  }
  const log = await TopicLog.open("/data", options);
  t.after(() => log.close());
  await log.applyRetention();
  assert(reports.includes("error: Retention could not look at a topic."));
  assert((await (await log.topic("b")).partition(0)).startOffset > 0);
});
