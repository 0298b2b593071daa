import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openStorage, type Storage } from "../../src/node/storage.ts";
import { MemoryContents, MemoryStore } from "../../src/store/memory.ts";
import { newOwner } from "../../src/store/owner.ts";
import { Witness } from "../../src/store/witness.ts";
import { aNode } from "../node/a-node.ts";
import { broken } from "../node/functions/night.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** A function whose address is parked, with mail of these sizes; it is asked for as a person would. */
async function parkedWith(t: TestContext, sizes: readonly number[]) {
  const node = await aNode(t);
  broken.add("a");
  t.after(() => broken.delete("a"));
  for (const size of sizes) await node.send("test/fragile/a", "x".repeat(size));
  await until("it to be parked", async () => (await node.list("parked")).length === 1);
  await until("all of it to be there", async () => {
    const [parked] = await node.list<{ pending: number }>("parked");
    return parked?.pending === sizes.length;
  });
  const { json } = await node.ask("/v1/admin/parked/test/fragile/a");
  return json as { pending: number; messages: unknown[] };
}

test("of a parked address SHOWN_MESSAGES messages are shown, and all of them counted", async (t) => {
  const { pending, messages } = await parkedWith(t, new Array<number>(12).fill(10));
  assert.deepEqual([pending, messages.length], [12, 10]);
});

test("of a parked address messages of SHOWN_BYTES are shown, and one at least", async (t) => {
  const large = 3_000_000;
  const { pending, messages } = await parkedWith(t, [large, large, large, large]);
  assert.deepEqual([pending, messages.length], [4, 2]);
  const { messages: one } = await parkedWith(t, [6_000_000, 10]);
  assert.equal(one.length, 1);
});

/** Commits are refused when it is told to. */
async function refusingStorage(t: TestContext) {
  const disk = { refuses: false, openings: 0 };
  const contents = new MemoryContents();
  const start = async (options: Parameters<typeof openStorage>[0]): Promise<Storage> => ({
    ...(await openStorage(options)),
    openPartition: async () => {
      disk.openings++;
      const store = new MemoryStore(contents);
      const commit = store.commit.bind(store);
      return Object.assign(store, {
        lostEpoch: undefined,
        commit: async (...args: Parameters<typeof commit>) => {
          if (disk.refuses) throw new Error("the disk is full");
          await commit(...args);
        },
      });
    },
  });
  return { disk, node: await aNode(t, undefined, {}, start) };
}

test("MAX_FAILURES in a row end a node, but what has worked for RECOVERED_AFTER_MS begins to count anew", async (t) => {
  const { disk, node } = await refusingStorage(t);
  let passedMs = 0;
  const now = performance.now.bind(performance);
  t.mock.method(performance, "now", () => now() + passedMs);
  const send = () => node.post("/v1/send/test/alarm/a", "x");
  for (let failure = 1; failure <= 6; failure++) {
    disk.refuses = true;
    assert.equal((await send()).status, 503);
    disk.refuses = false;
    await until("it to be open again", async () => (await send()).status === 202);
    assert.equal(disk.openings, failure + 1);
    passedMs += 31_000;
    assert.equal((await send()).status, 202);
  }
  assert.equal((await node.ask("/health/live")).status, 200);
});

test("what a witness records is synced within SYNC_DELAY_MS, once for all of it", async (t) => {
  const path = join(tempDir(t), "witness");
  await Witness.write(path, { epoch: 0, owner: newOwner() });
  const handle = await open(path);
  const prototype = Object.getPrototypeOf(handle) as { datasync(): Promise<void> };
  await handle.close();
  const synced = t.mock.method(prototype, "datasync");
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const witness = await Witness.open(path);
  for (let epoch = 1; epoch <= 5; epoch++) witness.record(epoch);
  t.mock.timers.tick(99);
  assert.equal(synced.mock.callCount(), 0);
  t.mock.timers.tick(1);
  assert.equal(synced.mock.callCount(), 1);
  witness.record(6);
  t.mock.timers.tick(100);
  await witness.close();
  assert(synced.mock.callCount() >= 2);
});

test("a new data directory has DEFAULT_PARTITIONS, however many the next start would like", async (t) => {
  const options = { application: "test", dataDir: tempDir(t), acceptLoss: false };
  const first = await openStorage({ ...options, partitions: undefined });
  assert.equal(first.partitionCount, 1);
  await first.close();
  await assert.rejects(openStorage({ ...options, partitions: 2 }), { code: "CONFIG_INVALID" });
  const again = await openStorage({ ...options, partitions: undefined });
  assert.equal(again.partitionCount, 1);
  await again.close();
});
