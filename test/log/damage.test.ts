import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import type { Report } from "../../src/base/report.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import { SimulatedDisk, seeded } from "./simulated-disk.ts";
import { record, textsOf } from "./support.ts";

const FOLDER = "/data/topics/orders/0";

/** A topic of one partition with several segments, closed in good order. */
async function written(disk: SimulatedDisk, count = 20): Promise<string[]> {
  const log = await TopicLog.open("/data", { files: disk.boot(), segmentBytes: 500 });
  const partition = await (await log.topic("orders", 1)).partition(0);
  const texts = Array.from({ length: count }, (_, i) => `record ${i} ${"z".repeat(40)}`);
  for (const text of texts) await partition.append([record(text)]);
  await log.close();
  return texts;
}

async function readBack(disk: SimulatedDisk, report?: Report): Promise<string[]> {
  const options = { files: disk.boot(), segmentBytes: 500 };
  const log = await TopicLog.open("/data", report === undefined ? options : { ...options, report });
  const topic = log.find("orders");
  assert(topic !== undefined);
  return await textsOf(await topic.partition(0));
}

function segmentsOf(disk: SimulatedDisk): string[] {
  return disk
    .paths()
    .filter((path) => path.startsWith(FOLDER) && path.endsWith(".log"))
    .sort();
}

async function corruptMessage(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert(error instanceof StatefoldError, "damage is reported");
  assert.equal(error.code, "LOG_CORRUPT");
  return error.message;
}

test("a flipped bit anywhere is reported or harmless, never a record lost or changed silently", async () => {
  const random = seeded(3);
  let reported = 0;
  for (let round = 0; round < 300; round++) {
    const disk = new SimulatedDisk(random);
    const texts = await written(disk, 8);
    const paths = disk.paths().filter((path) => /^\/data\/(witness\/)?topics\/orders/.test(path));
    const path = paths[Math.floor(random() * paths.length)] ?? "";
    const bytes = disk.bytesOf(path);
    const at = Math.floor(random() * bytes.byteLength);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    disk.overwrite(path, bytes);
    try {
      assert.deepEqual(await readBack(disk), texts, `byte ${at} of ${path}`);
    } catch (error) {
      assert(error instanceof StatefoldError && error.code === "LOG_CORRUPT", String(error));
      assert.match(error.message, /\/data\/topics\/orders/);
      reported++;
    }
  }
  assert(reported > 100, "most damage is noticed by a read of everything");
});

test("any file cut short is reported, or nothing of it is missing", async () => {
  const random = seeded(4);
  for (let round = 0; round < 150; round++) {
    const disk = new SimulatedDisk(random);
    const texts = await written(disk, 8);
    const segments = segmentsOf(disk);
    const path = segments[Math.floor(random() * segments.length)] ?? "";
    const bytes = disk.bytesOf(path);
    disk.overwrite(path, bytes.subarray(0, Math.floor(random() * bytes.byteLength)));
    try {
      assert.deepEqual(await readBack(disk), texts);
    } catch (error) {
      assert(error instanceof StatefoldError && error.code === "LOG_CORRUPT", String(error));
    }
  }
});

test("a closed segment that was cut short is noticed before anything is read", async () => {
  const disk = new SimulatedDisk();
  await written(disk);
  const path = segmentsOf(disk)[0] ?? "";
  const bytes = disk.bytesOf(path);
  disk.overwrite(path, bytes.subarray(0, bytes.byteLength - 1));
  const log = await TopicLog.open("/data", { files: disk.boot() });
  const message = await corruptMessage((await log.topic("orders")).partition(0));
  assert(
    message.startsWith(`${path}: the closed segment has ${bytes.byteLength - 1} bytes and had`),
  );
});

test("a missing segment is named, whether in the middle, at the end or all of them", async () => {
  for (const [which, message] of [
    [1, /segment is missing/],
    [-1, /segment is missing; records up to offset 19 were acknowledged/],
  ] as const) {
    const disk = new SimulatedDisk();
    await written(disk);
    const path = segmentsOf(disk).at(which) ?? "";
    disk.lose(path);
    const found = await corruptMessage(readBack(disk));
    assert.match(found, message);
    assert(found.includes(path), `${found} names ${path}`);
  }
  const disk = new SimulatedDisk();
  await written(disk);
  for (const path of segmentsOf(disk)) disk.lose(path);
  assert.match(await corruptMessage(readBack(disk)), /there is no segment/);
});

test("a file in the folder of another partition is refused", async () => {
  const disk = new SimulatedDisk();
  const log = await TopicLog.open("/data", { files: disk.boot() });
  const topic = await log.topic("orders", 2);
  await (await topic.partition(0)).append([record("of partition 0")]);
  await log.close();
  const name = "00000000000000000000.log";
  disk.overwrite(`/data/topics/orders/1/${name}`, disk.bytesOf(`${FOLDER}/${name}`));
  const again = await TopicLog.open("/data", { files: disk.boot() });
  const message = await corruptMessage((again.find("orders") ?? topic).partition(1));
  assert.match(message, /wrong place: it says it is orders\/0/);
});

test("damage in the last acknowledged batch is told from the torn end of an append", async () => {
  const disk = new SimulatedDisk();
  const texts = await written(disk, 3);
  const path = segmentsOf(disk).at(-1) ?? "";
  const whole = disk.bytesOf(path);

  const torn = Buffer.concat([whole, whole.subarray(whole.byteLength - 30)]);
  disk.overwrite(path, torn);
  const reports: string[] = [];
  assert.deepEqual(
    await readBack(disk, (level, message) => reports.push(`${level} ${message}`)),
    texts,
  );
  assert.deepEqual(reports, ["warn The end of an append that was never acknowledged was cut off."]);
  assert.equal(disk.bytesOf(path).byteLength, whole.byteLength);

  const flipped = Buffer.from(whole);
  flipped[whole.byteLength - 5] = 0;
  disk.overwrite(path, flipped);
  const message = await corruptMessage(readBack(disk));
  assert.match(message, /acknowledged records up to offset 2/);
  assert.match(message, /records from offset 2 on/);
});

test("damage in a closed segment stops the reader there, and nobody else", async () => {
  const disk = new SimulatedDisk();
  await written(disk);
  const path = segmentsOf(disk)[1] ?? "";
  const bytes = disk.bytesOf(path);
  bytes[Math.floor(bytes.byteLength / 2)] = 0x99;
  bytes[Math.floor(bytes.byteLength / 2) + 1] = 0x99;
  disk.overwrite(path, bytes);
  const log = await TopicLog.open("/data", { files: disk.boot(), segmentBytes: 500 });
  const partition = await (await log.topic("orders")).partition(0);
  assert.match(
    await corruptMessage(textsOf(partition)),
    new RegExp(`${path} at byte \\d+: a batch`),
  );
  const { firstOffset } = await partition.append([record("still taken")]);
  const result = await partition.read(firstOffset, { maxRecords: 10, maxBytes: 1000 });
  assert.equal(result.kind === "records" && result.records.length, 1);
  await log.close();
});

const GONE = {
  "without the file that makes it one": (disk: SimulatedDisk) =>
    disk.lose("/data/topics/orders/topic.json"),
  "with a damaged one": (disk: SimulatedDisk) =>
    disk.overwrite("/data/topics/orders/topic.json", Buffer.from("{}")),
  "that is gone as a whole": (disk: SimulatedDisk) => {
    for (const path of disk.paths().filter((each) => each.startsWith("/data/topics/orders"))) {
      disk.lose(path);
    }
  },
};

for (const [how, damage] of Object.entries(GONE)) {
  test(`a topic ${how} is reported, refused, and never made anew; the others go on`, async () => {
    const disk = new SimulatedDisk();
    await written(disk);
    const before = await TopicLog.open("/data", { files: disk.boot() });
    const other = await (await before.topic("other", 1)).partition(0);
    await other.append([record("of another topic")]);
    await before.close();
    damage(disk);
    const reports: string[] = [];
    const log = await TopicLog.open("/data", {
      files: disk.boot(),
      report: (level, message) => reports.push(`${level} ${message}`),
    });
    assert.match(reports[0] ?? "", /^error \/data\/topics\/orders.*stays closed/);
    assert.equal(reports.length, 1);
    assert.match(await corruptMessage(log.topic("orders")), /\/data\/topics\/orders/);
    assert.throws(() => log.find("orders"), { code: "LOG_CORRUPT" });
    const found = log.find("other");
    assert(found !== undefined);
    assert.deepEqual(await textsOf(await found.partition(0)), ["of another topic"]);
    await log.close();
  });
}

test("a topic put back from an older copy is noticed by what lies apart from it", async () => {
  const disk = new SimulatedDisk();
  const texts = await written(disk, 3);
  const copy = new Map(
    disk
      .paths()
      .filter((path) => path.startsWith("/data/topics/orders"))
      .map((path) => [path, disk.bytesOf(path)]),
  );
  const log = await TopicLog.open("/data", { files: disk.boot(), segmentBytes: 500 });
  await (await (await log.topic("orders")).partition(0)).append([record("since then")]);
  await log.close();
  assert.deepEqual(await readBack(disk), [...texts, "since then"]);
  for (const [path, bytes] of copy) disk.overwrite(path, bytes);
  assert.match(await corruptMessage(readBack(disk)), /acknowledged records up to offset 3/);
});

test("a partition of another data directory is refused, also when it holds more", async () => {
  const [disk, other] = [new SimulatedDisk(), new SimulatedDisk()];
  for (const [each, count, nowMs] of [
    [disk, 3, 1_000],
    [other, 5, 2_000],
  ] as const) {
    const clock = { now: () => nowMs };
    const log = await TopicLog.open("/data", { files: each.boot(), clock });
    const partition = await (await log.topic("orders", 1)).partition(0);
    for (let i = 0; i < count; i++) await partition.append([record(`${i} at ${nowMs}`)]);
    await log.close();
  }
  const path = segmentsOf(disk)[0] ?? "";
  disk.overwrite(path, other.bytesOf(path));
  assert.match(await corruptMessage(readBack(disk)), /it comes from another data directory/);
});

test("a partition whose witness is missing is refused until a person says that it is whole", async () => {
  const disk = new SimulatedDisk();
  const texts = await written(disk, 3);
  const witness = "/data/witness/topics/orders/0";
  disk.lose(witness);
  assert.match(await corruptMessage(readBack(disk)), /witness.*cannot be told whether/);
  disk.overwrite(witness, Buffer.alloc(0));
  assert.deepEqual(await readBack(disk), texts);
});

test("a later version's files are refused by name", async () => {
  const disk = new SimulatedDisk();
  await written(disk, 1);
  const line = '{"version":2,"name":"orders","partitions":1}';
  const { crc32 } = await import("node:zlib");
  const crc = crc32(line).toString(16).padStart(8, "0");
  disk.overwrite("/data/topics/orders/topic.json", Buffer.from(`${line}\n${crc}\n`));
  await assert.rejects(TopicLog.open("/data", { files: disk.boot() }), {
    code: "STORE_FORMAT",
    message: /topic\.json has version 2/,
  });
});
