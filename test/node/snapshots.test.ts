import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openBlobStore } from "../../src/blob/open.ts";
import type { NodeOptions } from "../../src/node/options.ts";
import { findRestoration } from "../../src/node/restoration.ts";
import { startNode } from "../../src/node/start.ts";
import { openStorage } from "../../src/node/storage.ts";
import { claim } from "../../src/snapshot/claim.ts";
import { systemSnapshotClock } from "../../src/snapshot/clock.ts";
import { loadHead } from "../../src/snapshot/head-file.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { aNode, NIGHT, nodeOptions, SHOP } from "./a-node.ts";

const IDS = ["a", "b", "c", "d", "e", "f"];

/** A data directory and a folder for its snapshots. */
function setting(t: TestContext, everyMs?: number) {
  const dir = tempDir(t);
  const [dataDir, url] = [join(dir, "data"), join(dir, "snapshots")];
  const options: Partial<NodeOptions> = { dataDir, snapshots: { url, everyMs } };
  return { dir, dataDir, url, options };
}

async function headAt(url: string) {
  const blob = await openBlobStore(url);
  return (await loadHead(blob))?.head;
}

test("what was drained is restored on an empty directory, by itself, also on other partitions and threads", async (t) => {
  for (const [partitions, threads] of [
    [3, 1],
    [2, 2],
    [5, 3],
  ] as const) {
    const { dataDir, url, options: settings } = setting(t);
    const options = { ...settings, threads };
    const first = await aNode(t, NIGHT, { ...options, partitions: 3 });
    for (const id of IDS) await first.call(`test/counter/${id}`, 7);
    await first.call("test/alarm/a", "1h");
    const once = { "idempotency-key": "k1" };
    assert.equal(await first.call("test/counter/once", 1, once), 1);
    await first.node.drain(5_000);
    const head = await headAt(url);
    assert.equal(head?.snapshots.length, 1);
    assert.equal(head.owner.released, true);

    rmSync(dataDir, { recursive: true });
    const wanted = partitions === 3 ? undefined : partitions;
    const second = await aNode(t, NIGHT, { ...options, partitions: wanted });
    assert.equal((await second.list("partitions")).length, partitions);
    for (const id of IDS) assert.equal(await second.call(`test/counter/${id}`, "?"), 7);
    assert.equal(await second.call("test/counter/once", 1, once), 1, "done once");
    assert.equal((await second.list("timers")).length, 1);
    await second.call("test/counter/a", 1);
    await second.node.drain(5_000);
    const after = await headAt(url);
    assert.equal(after?.snapshots.length, 2);
    assert.equal(after.owner.term, 2);
  }
});

test("snapshots come by themselves, and what was done since the last is what is lost", async (t) => {
  const { dataDir, url, options } = setting(t, 50);
  const first = await aNode(t, NIGHT, { ...options, partitions: 2 });
  for (const id of IDS) await first.call(`test/counter/${id}`, 3);
  const before = (await headAt(url))?.snapshots.at(-1) ?? "";
  await until("a snapshot of it", async () => {
    const { snapshots = [] } = (await headAt(url)) ?? {};
    return snapshots.every((name) => name > before) && snapshots.length >= 2;
  });
  await first.node.stop();
  rmSync(dataDir, { recursive: true });
  const second = await aNode(t, NIGHT, options);
  for (const id of IDS) assert.equal(await second.call(`test/counter/${id}`, "?"), 3);
  const metrics = await until("a snapshot to be counted", async () => {
    const { text } = await second.ask("/metrics");
    return /statefold_snapshots_total\{outcome="complete"\} [1-9]/.test(text) ? text : undefined;
  });
  assert.match(metrics, /statefold_snapshot_barrier [1-9]/);
});

test("a restart on the same directory goes on, and another directory is refused", async (t) => {
  const { dir, url, options } = setting(t);
  const first = await aNode(t, NIGHT, options);
  await first.call("test/counter/a", 1);
  await first.node.drain(5_000);
  const second = await aNode(t, NIGHT, options);
  assert.equal(await second.call("test/counter/a", 1), 2);
  const otherDir = join(dir, "other");
  const other = await aNode(t, NIGHT, { dataDir: otherDir });
  await other.node.stop();
  const starting = startNode(nodeOptions(t, NIGHT, { ...options, dataDir: otherDir }));
  await assert.rejects(starting, { code: "SNAPSHOT_FOREIGN" });
  assert.equal((await headAt(url))?.owner.term, 2);
});

test("a node whose snapshots another one has taken over ends, and says why", async (t) => {
  const { url, options } = setting(t, 50);
  const { node } = await aNode(t, NIGHT, options);
  const head = await headAt(url);
  assert(head !== undefined);
  const runtime = { ...head.owner, host: "elsewhere", pid: 99 };
  const blob = await openBlobStore(url);
  const clock = systemSnapshotClock;
  await claim({ blob, clock, application: "statefold", runtime, incarnation: 0 });
  const reason = await node.ended;
  assert.equal(reason?.code, "SNAPSHOT_FENCED");
  assert.match(reason.message, /process 99 on elsewhere/);
});

test("a damaged snapshot makes no data directory, and is told with the newest that is whole", async (t) => {
  const { dataDir, url, options } = setting(t);
  const first = await aNode(t, NIGHT, options);
  await first.call("test/counter/a", 1);
  await first.node.drain(5_000);
  const second = await aNode(t, NIGHT, options);
  await second.call("test/counter/a", 1);
  await second.node.drain(5_000);
  rmSync(dataDir, { recursive: true });
  const segments = join(url, "segments", "2");
  const [name = ""] = readdirSync(segments);
  const bytes = readFileSync(join(segments, name));
  const other = Buffer.from(bytes);
  other[20] = (other[20] ?? 0) ^ 1;
  writeFileSync(join(segments, name), other);
  const starting = startNode(nodeOptions(t, NIGHT, options));
  await assert.rejects(starting, { code: "SNAPSHOT_CORRUPT", message: /seg .*whole is 1$/ });
  writeFileSync(join(segments, name), bytes);
  const third = await aNode(t, NIGHT, options);
  assert.equal(await third.call("test/counter/a", "?"), 2);
});

test("snapshots need a data directory", async (t) => {
  const options = { snapshots: { url: tempDir(t), everyMs: undefined } };
  const starting = startNode(nodeOptions(t, NIGHT, options));
  await assert.rejects(starting, { code: "CONFIG_INVALID", message: /--memory/ });
});

test("what came to be complete until the owner was dead is what is restored", async (t) => {
  const { dataDir, url, options } = setting(t);
  for (let i = 0; i < 2; i++) {
    const node = await aNode(t, NIGHT, options);
    await node.call("test/counter/a", 1);
    await node.node.drain(5_000);
  }
  rmSync(dataDir, { recursive: true });
  const blob = await openBlobStore(url);
  const whose = { blob, clock: systemSnapshotClock, application: "statefold", incarnation: 0 };
  const runtime = (data: string) => ({ data, host: "h", pid: 1, command: "run" });
  const old = await claim({ ...whose, runtime: runtime("old"), isEmpty: true });
  const { snapshots } = old.head;
  await old.update((head) => ({ ...head, snapshots: snapshots.slice(0, 1) }));
  const found = await findRestoration({
    blob,
    application: "statefold",
    takeOver: async (data) => {
      await old.update((head) => ({ ...head, snapshots }));
      await old.release();
      return await claim({ ...whose, runtime: runtime(data), isEmpty: true });
    },
    onRestored: ({ metas }, { barrier }) => assert.deepEqual([metas.length, barrier], [1, 2]),
  });
  const storage = await openStorage({
    ...{ dataDir, application: "statefold", partitions: undefined, acceptLoss: false },
    restoration: async () => found,
  });
  assert.equal(storage.origin?.snapshot, snapshots[1]);
  assert.equal((await headAt(url))?.heirs.at(-1), storage.identity);
  assert.notEqual(storage.numbers, storage.identity);
  await storage.close();
});

test("who restored nothing leaves the snapshots to the data they are of", async (t) => {
  const { dir, dataDir, url, options } = setting(t);
  const first = await aNode(t, NIGHT, options);
  await first.call("test/counter/a", 1);
  await first.node.drain(5_000);
  const segments = join(url, "segments", "1");
  const [name = ""] = readdirSync(segments);
  const bytes = readFileSync(join(segments, name));
  writeFileSync(join(segments, name), bytes.subarray(1));
  const other = nodeOptions(t, NIGHT, { ...options, dataDir: join(dir, "other") });
  await assert.rejects(startNode(other), { code: "SNAPSHOT_CORRUPT" });
  writeFileSync(join(segments, name), bytes);
  const second = await aNode(t, NIGHT, { ...options, dataDir });
  assert.equal(await second.call("test/counter/a", 1), 2);
});

test("a restore has the numbers that egresses know, and a status that counts none that were never given", async (t) => {
  const { dataDir, options } = setting(t);
  const first = await aNode(t, SHOP, options);
  const headers = { "statefold-type": "test/Order", "content-type": "application/json" };
  await first.ask("/v1/send/test/shop/a", { method: "POST", headers, body: '{"item":"tea"}' });
  await first.node.drain(5_000);
  rmSync(dataDir, { recursive: true });
  const second = await aNode(t, SHOP, options);
  // One may not have been published before the drain was over.
  await until("nothing to be pending", async () => {
    const { json } = await second.ask("/v1/admin/status");
    const { egresses } = json as { egresses: { pending: number }[] };
    return egresses[0]?.pending === 0;
  });
});

test("what is restored after an accepted loss begins above what the loss began", async (t) => {
  const { dir, dataDir, url, options } = setting(t);
  const first = await aNode(t, NIGHT, options);
  await first.call("test/counter/a", 1);
  await first.node.drain(5_000);
  const database = join(dataDir, "partitions", "0");
  cpSync(database, join(dir, "old"), { recursive: true });
  const second = await aNode(t, NIGHT, { ...options, snapshots: undefined });
  await second.call("test/counter/a", 1);
  await second.node.stop();
  rmSync(database, { recursive: true });
  renameSync(join(dir, "old"), database);
  const third = await aNode(t, NIGHT, { ...options, acceptLoss: true });
  const id = await third.send("test/counter/a", 1);
  await third.node.stop();
  assert.equal((await headAt(url))?.incarnation, 1);
  rmSync(dataDir, { recursive: true });
  const fourth = await aNode(t, NIGHT, options);
  assert.equal((await headAt(url))?.incarnation, 2);
  assert.notEqual(await fourth.send("test/counter/a", 1), id);
});
