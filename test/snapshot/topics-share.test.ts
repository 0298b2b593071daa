import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { LogCut } from "../../src/log/cut.ts";
import type { TopicLogOptions } from "../../src/log/options.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import type { Manifest } from "../../src/snapshot/manifest.ts";
import { restoreTopics } from "../../src/snapshot/restore-topics.ts";
import { writeTopics } from "../../src/snapshot/topics-share.ts";
import { SimulatedDisk } from "../log/simulated-disk.ts";
import { record, textsOf } from "../log/support.ts";
import { FakeBlobStore, FakeBucket } from "../support/blob/fake.ts";
import { createRng } from "../support/rng.ts";
import { MANIFEST } from "./examples.ts";

const NEVER = new AbortController().signal;

/** A log, and the snapshots that are taken of it alone. */
class Setting {
  readonly bucket = new FakeBucket();
  readonly blob = new FakeBlobStore(this.bucket);
  log: TopicLog;
  barrier = 0;
  #base: { manifest: Manifest; isOurs: boolean } | undefined;
  #cut: LogCut | undefined;

  private constructor(log: TopicLog) {
    this.log = log;
  }

  static async open(t: TestContext, disk: SimulatedDisk, options: TopicLogOptions = {}) {
    let setting: Setting | undefined;
    const log = await TopicLog.open("/data", {
      ...{ files: disk.boot(), partitions: 2, ...options },
      onCut: (cut) => {
        if (setting !== undefined) setting.#cut = cut;
      },
    });
    t.after(() => log.close());
    setting = new Setting(log);
    return setting;
  }

  /** The next one shares with this. */
  from(manifest: Manifest, isOurs: boolean): void {
    this.#base = { manifest, isOurs };
    this.barrier = manifest.barrier;
  }

  async take() {
    this.log.cutFor(++this.barrier);
    assert(this.#cut !== undefined);
    const { barrier } = this;
    const options = { blob: this.blob, attempt: { barrier, term: 1 }, signal: NEVER };
    const written = await writeTopics({ ...options, base: this.#base }, this.#cut);
    this.#cut.close();
    const manifest: Manifest = { ...MANIFEST, barrier, topics: written.topics };
    this.#base = { manifest, isOurs: true };
    return { ...written, manifest };
  }
}

async function restored(t: TestContext, setting: Setting, manifest: Manifest) {
  const disk = new SimulatedDisk();
  const files = disk.boot();
  const log = await restoreTopics({ blob: setting.blob, manifest, directory: "/data", files });
  t.after(() => log.close());
  return { log, disk };
}

async function textsIn(log: TopicLog, name: string): Promise<string[]> {
  const topic = log.find(name);
  const all: string[] = [];
  for (let k = 0; k < (topic?.partitionCount ?? 0); k++) {
    const partition = await topic?.partition(k);
    if (partition !== undefined) all.push(...(await textsOf(partition)));
  }
  return all;
}

test("what is restored is what was there at the cut, and goes on where it ended", async (t) => {
  const it = await Setting.open(t, new SimulatedDisk(), { segmentBytes: 300 });
  const orders = await it.log.topic("Orders.1", 1);
  for (let i = 0; i < 20; i++) await orders.append([record(`${i}`.padEnd(40), "k")]);
  await it.log.topic("empty", 3);
  const { manifest } = await it.take();
  await orders.append([record("later", "k")]);
  const { log, disk } = await restored(t, it, manifest);
  const expected = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(40));
  assert.deepEqual(await textsIn(log, "Orders.1"), expected);
  assert.equal(log.find("empty")?.partitionCount, 3);
  const [places] = [await log.find("Orders.1")?.append([record("next", "k")])];
  assert.deepEqual(places, [{ partition: 0, offset: 20 }]);
  await log.close();
  disk.losePower();
  const again = await TopicLog.open("/data", { files: disk.boot() });
  t.after(() => again.close());
  assert.deepEqual(await textsIn(again, "Orders.1"), [...expected, "next"]);
});

test("who published before the cut is known afterwards, and who did later is not", async (t) => {
  const it = await Setting.open(t, new SimulatedDisk(), { segmentBytes: 100 });
  const partition = await (await it.log.topic("out", 1)).partition(0);
  const publish = (own: typeof partition, ...numbers: number[]) =>
    own.append(
      numbers.map((n) => record(`${n}`)),
      { id: "ns/out/0", numbers },
    );
  await publish(partition, 1, 2);
  await publish(partition, 5);
  const { manifest } = await it.take();
  await publish(partition, 6);
  const { log } = await restored(t, it, manifest);
  const again = await log.find("out")?.partition(0);
  assert(again !== undefined);
  assert.equal(again.producerMark("ns/out/0"), 5);
  assert.equal((await publish(again, 5, 6)).skipped, 1);
  assert.deepEqual(await textsOf(again), ["1", "2", "5", "6"]);
});

test("a snapshot writes what is new, in few parts, and each byte some few times", async (t) => {
  const disk = new SimulatedDisk();
  const it = await Setting.open(t, disk, { partitions: 1, segmentBytes: 100_000 });
  const orders = await it.log.topic("orders");
  const rng = createRng(7);
  let [written, most] = [0, 0];
  for (let i = 0; i < 150; i++) {
    const records = Array.from({ length: rng.int(4) }, () => record("x".repeat(rng.int(3_000))));
    if (records.length > 0) await orders.append(records);
    const taken = await it.take();
    written += taken.writtenBytes;
    for (const { parts } of taken.topics[0]?.partitions[0]?.segments ?? []) {
      most = Math.max(most, parts.length);
    }
    if (i % 50 === 49) {
      const { log } = await restored(t, it, taken.manifest);
      assert.deepEqual(await textsIn(log, "orders"), await textsIn(it.log, "orders"));
    }
  }
  const held = disk.paths().reduce((sum, path) => sum + disk.bytesOf(path).byteLength, 0);
  assert(held > 250_000 && most <= 10, `${most} parts`);
  assert(written < 4 * held, `${written} bytes were written of ${held}`);
  assert.equal((await it.take()).writtenBytes, 0, "nothing is new");
});

test("what another life has written is shared when it is the same, and written anew when it is not", async (t) => {
  const disk = new SimulatedDisk();
  const first = await Setting.open(t, disk, { partitions: 1 });
  await (await first.log.topic("orders")).append([record("a")]);
  const { manifest } = await first.take();
  await first.log.close();

  const second = await Setting.open(t, disk, { partitions: 1 });
  second.from(manifest, false);
  const same = await second.take();
  assert.equal(same.writtenBytes, 0);

  // Two that go on from one snapshot, differently: the segment has the same name, and is another.
  const [one, two] = [await restored(t, first, manifest), await restored(t, first, manifest)];
  const snapshots: Manifest[] = [];
  for (const [i, { log, disk: its }] of [one, two].entries()) {
    await log.find("orders")?.append([record(`${i}`.repeat(50))]);
    await log.close();
    const life = await Setting.open(t, its, { partitions: 1 });
    Object.assign(life, { blob: first.blob, bucket: first.bucket });
    life.from(snapshots.at(-1) ?? manifest, false);
    life.barrier = 10 * (i + 1);
    snapshots.push((await life.take()).manifest);
  }
  for (const [i, snapshot] of snapshots.entries()) {
    const { log } = await restored(t, first, snapshot);
    assert.deepEqual(await textsIn(log, "orders"), ["a", `${i}`.repeat(50)]);
  }
});

test("a part that is damaged or missing is named, and so is a log that is not what it was", async (t) => {
  const it = await Setting.open(t, new SimulatedDisk(), { partitions: 1 });
  await (await it.log.topic("orders")).append([record("a")]);
  const { manifest } = await it.take();
  const [key = ""] = it.bucket.objects.keys();
  const held = it.bucket.objects.get(key);
  assert(held !== undefined);
  const bytes = Buffer.from(held.bytes);
  bytes[30] = (bytes[30] ?? 0) ^ 1;
  it.bucket.set(key, { ...held, bytes });
  await assert.rejects(restored(t, it, manifest), {
    code: "SNAPSHOT_CORRUPT",
    message: /topics\/1/,
  });
  it.bucket.set(key, undefined);
  await assert.rejects(restored(t, it, manifest), { code: "SNAPSHOT_CORRUPT", message: /missing/ });
  it.bucket.set(key, held);
  const topics = manifest.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((log) => ({ ...log, end: 2 })),
  }));
  await assert.rejects(restored(t, it, { ...manifest, topics }), {
    code: "SNAPSHOT_CORRUPT",
    message: /topic orders, partition 0/,
  });
  await restored(t, it, manifest);
});
