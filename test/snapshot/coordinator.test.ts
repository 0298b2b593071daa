import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import type { StatefoldError } from "../../src/base/errors.ts";
import { withRetries } from "../../src/blob/retry.ts";
import { claim } from "../../src/snapshot/claim.ts";
import {
  Coordinator,
  type CoordinatorOptions,
  type TakenSnapshot,
} from "../../src/snapshot/coordinator.ts";
import { loadHead } from "../../src/snapshot/head-file.ts";
import { sourcesOf } from "../../src/snapshot/manifest.ts";
import { stepwisePacking } from "../../src/snapshot/packing.ts";
import { FakeBlobStore, FakeBucket, unavailable } from "../support/blob/fake.ts";
import { createRng } from "../support/rng.ts";
import { FakePartitions } from "./fake-partitions.ts";
import { ManualClock } from "./manual-clock.ts";
import { readBack } from "./read-back.ts";

const EVERY_MS = 10_000;

interface Setting {
  readonly bucket: FakeBucket;
  readonly clock: ManualClock;
  readonly store: FakeBlobStore;
  readonly partitions: FakePartitions;
  readonly coordinator: Coordinator;
  readonly complete: TakenSnapshot[];
  readonly abandoned: StatefoldError[];
  readonly fenced: StatefoldError[];
  readonly troubles: string[];
}

async function setting(options: Partial<CoordinatorOptions> & { count?: number } = {}) {
  const bucket = new FakeBucket();
  const clock = new ManualClock();
  const store = new FakeBlobStore(bucket);
  const blob = withRetries(store, { wait: async () => {} });
  const partitions = new FakePartitions(options.count ?? 3, createRng(1));
  const runtime = { data: "d", host: "h", pid: 1, command: "run" };
  const owner = await claim({ blob, clock, application: "app", runtime, incarnation: 0 });
  const complete: TakenSnapshot[] = [];
  const abandoned: StatefoldError[] = [];
  const fenced: StatefoldError[] = [];
  const troubles: string[] = [];
  const coordinator = new Coordinator({
    numbers: "n1",
    ...{ partitions, blob, owner, clock, everyMs: undefined, packing: stepwisePacking },
    listener: {
      onComplete: (each) => complete.push(each),
      onAbandoned: (_, reason) => abandoned.push(reason),
      onFenced: (error) => fenced.push(error),
      onTrouble: (what, error) => troubles.push(`${what}: ${error}`),
    },
    ...options,
  });
  partitions.onCut = (cut) => coordinator.cut(cut);
  const all = { bucket, clock, store, partitions, coordinator, complete, abandoned };
  return { ...all, fenced, troubles } satisfies Setting;
}

test("a snapshot holds what every partition was at its cut", async () => {
  const it = await setting();
  for (let i = 0; i < 3; i++) it.partitions.change(i, 100);
  const { name, manifest } = await it.coordinator.take();
  for (let i = 0; i < 3; i++) it.partitions.change(i, 100);
  assert.deepEqual(await readBack(it.bucket, name), it.partitions.cuts.get(manifest.barrier));
  assert.deepEqual(it.partitions.completed_, [manifest.barrier]);
  const stored = await loadHead(it.store);
  assert.deepEqual(stored?.head.snapshots, [name]);
  assert.equal(it.partitions.open, 0);
  assert.deepEqual([...sourcesOf(manifest).keys()], ["log/ns/in/t/0"]);
});

test("the next one writes what has changed, and what is read back is the same", async () => {
  const it = await setting({ count: 1, segmentBytes: 4_000 });
  it.partitions.change(0, 50);
  it.partitions.change(0, 200);
  const first = await it.coordinator.take();
  assert((first.manifest.partitions[0]?.segments.length ?? 0) > 2);
  for (let round = 0; round < 30; round++) {
    it.partitions.change(0, 3);
    const taken = await it.coordinator.take();
    const [share] = taken.manifest.partitions;
    const isDelta = share?.segments.at(-1)?.delta === true;
    if (isDelta) assert(taken.writtenBytes < first.writtenBytes / 2);
    const [whole = 0, deltas = 0] = [false, true].map((delta) => {
      return share?.segments
        .filter((each) => each.delta === delta)
        .reduce((n, s) => n + s.bytes, 0);
    });
    assert(deltas < 2 * whole && (share?.segments.filter((s) => s.delta).length ?? 0) <= 16);
    assert.deepEqual(
      await readBack(it.bucket, taken.name),
      it.partitions.cuts.get(taken.manifest.barrier),
      `round ${round}`,
    );
  }
  const kinds = it.complete.map(({ manifest }) => manifest.partitions[0]?.segments.at(-1)?.delta);
  assert(kinds.includes(true) && kinds.slice(1).includes(false));
});

test("more changed keys than are counted make the next one whole", async () => {
  const it = await setting({ count: 1 });
  it.partitions.change(0, 200);
  await it.coordinator.take();
  it.partitions.change(0, 2);
  const delta = await it.coordinator.take();
  assert.equal(delta.manifest.partitions[0]?.segments.length, 2);
  it.partitions.change(0, 150);
  const whole = await it.coordinator.take();
  assert.equal(whole.manifest.partitions[0]?.segments.length, 1);
});

test("a partition that did not hear that one is complete goes on from the one before", async () => {
  const it = await setting({ keep: 5 });
  for (let i = 0; i < 3; i++) it.partitions.change(i, 200);
  await it.coordinator.take();
  for (let i = 0; i < 3; i++) it.partitions.change(i, 5);
  it.partitions.unaware.add(1);
  await it.coordinator.take();
  for (let i = 0; i < 3; i++) it.partitions.change(i, 5);
  const { name, manifest } = await it.coordinator.take();
  const deltas = manifest.partitions.map(({ segments }) => segments.filter((s) => s.delta).length);
  assert.deepEqual(deltas, [2, 1, 2]);
  assert.deepEqual(await readBack(it.bucket, name), it.partitions.cuts.get(manifest.barrier));
});

test("a store that fails leaves nothing that anybody sees, and the next one is complete", async () => {
  const it = await setting({ cutTimeoutMs: 1_000 });
  const first = await it.coordinator.take();
  it.partitions.change(0, 5);
  it.store.failure = unavailable("down");
  await assert.rejects(it.coordinator.take(), { code: "SNAPSHOT_ABANDONED", message: /down/ });
  assert.equal(it.partitions.open, 0);
  it.store.failure = undefined;
  assert.deepEqual((await loadHead(it.store))?.head.snapshots, [first.name]);
  it.partitions.change(1, 5);
  const next = await it.coordinator.take();
  assert.deepEqual(
    await readBack(it.bucket, next.name),
    it.partitions.cuts.get(next.manifest.barrier),
  );
  assert.equal(it.abandoned.length, 1);
});

test("a failure while the manifest or the head is stored loses that snapshot alone", async () => {
  for (const what of ["manifests/", "head.json", "segments/"]) {
    const it = await setting();
    const first = await it.coordinator.take();
    it.partitions.change(0, 5);
    let isFailing = true;
    it.store.onCall = (operation, key) => {
      if (isFailing && operation === "put" && key.startsWith(what)) throw unavailable("reset");
    };
    await assert.rejects(it.coordinator.take(), { code: "SNAPSHOT_ABANDONED" });
    isFailing = false;
    assert.deepEqual((await loadHead(it.store))?.head.snapshots, [first.name]);
    const next = await it.coordinator.take();
    assert.deepEqual(
      await readBack(it.bucket, next.name),
      it.partitions.cuts.get(next.manifest.barrier),
    );
    const left = [...it.bucket.objects.keys()].filter((key) => key.includes("000000000002"));
    assert.deepEqual(left, [], "what the attempt left behind is removed");
  }
});

test("a partition that never cuts holds up nobody for longer than the bound", async () => {
  const it = await setting({ cutTimeoutMs: 5_000 });
  it.partitions.deaf.add(1);
  const taking = assert.rejects(it.coordinator.take(), {
    code: "SNAPSHOT_ABANDONED",
    message: /snapshot 1 was given up: of partition 1 there was no cut within 5 s/,
  });
  await it.clock.pass(5_000);
  await taking;
  assert.equal(it.partitions.open, 0);
});

test("a partition that was down hears of the snapshot when it is up again", async () => {
  const it = await setting();
  it.partitions.deaf.add(1);
  const taking = it.coordinator.take();
  await it.clock.pass(1_500);
  it.partitions.deaf.clear();
  await it.clock.pass(1_000);
  const { cutMs, manifest } = await taking;
  assert.equal(cutMs, 2_000);
  assert.equal(manifest.barrier, 1);
});

test("a cut that nobody waits for is closed", async () => {
  const it = await setting();
  it.partitions.cut(0, 7);
  await it.clock.settle();
  assert.equal(it.partitions.open, 0);
});

test("snapshots come by the interval, and none while one is being taken", async () => {
  const it = await setting({ everyMs: EVERY_MS });
  it.coordinator.start();
  await it.clock.pass(3.5 * EVERY_MS);
  assert.deepEqual(it.partitions.announced, [1, 2, 3]);
  let release = (): void => {};
  it.store.onCall = async (operation, key) => {
    if (operation !== "put" || !key.startsWith("manifests/")) return;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
  };
  await it.clock.pass(3 * EVERY_MS);
  assert.deepEqual(it.partitions.announced, [1, 2, 3, 4]);
  it.store.onCall = () => {};
  release();
  await it.clock.pass(1);
  assert.equal(it.complete.length, 5, "the one that was due comes at once");
  await it.coordinator.stop();
  assert(it.clock.isIdle);
});

test("what is asked for while one is being taken is the next one", async () => {
  const it = await setting();
  const first = it.coordinator.take();
  const [second, third] = [it.coordinator.take(), it.coordinator.take()];
  assert.equal((await first).manifest.barrier, 1);
  assert.equal((await second).manifest.barrier, 2);
  assert.equal(await third, await second);
});

test("its numbers go on above those that partitions and owners before have seen", async () => {
  const it = await setting();
  it.partitions.barrier = 41;
  assert.equal((await it.coordinator.take()).manifest.barrier, 42);
  await it.coordinator.stop();
  const blob = withRetries(it.store, { wait: async () => {} });
  const runtime = { data: "d", host: "h", pid: 2, command: "run" };
  const owner = await claim({ blob, clock: it.clock, application: "app", runtime, incarnation: 0 });
  assert.equal(owner.head.nextBarrier, 43);
});

test("who is fenced takes no more, and says so once", async () => {
  const it = await setting({ everyMs: EVERY_MS });
  it.coordinator.start();
  const blob = new FakeBlobStore(it.bucket);
  const runtime = { data: "d", host: "h2", pid: 2, command: "run" };
  const other = await claim({ blob, clock: it.clock, application: "app", runtime, incarnation: 0 });
  await assert.rejects(it.coordinator.take(), { code: "SNAPSHOT_FENCED", message: /h2/ });
  await assert.rejects(it.coordinator.take(), { code: "SNAPSHOT_FENCED" });
  await it.clock.pass(5 * EVERY_MS);
  await it.coordinator.stop();
  assert.deepEqual(
    it.fenced.map(({ code }) => code),
    ["SNAPSHOT_FENCED"],
  );
  assert.deepEqual(it.abandoned, []);
  assert.equal(it.partitions.open, 0);
  const stored = await loadHead(blob);
  assert.deepEqual(stored?.head, other.head);
});

test("a stop abandons what is being taken, lets the prefix go, and is idempotent", async () => {
  for (const at of ["gathering", "writing"]) {
    const it = await setting({ everyMs: EVERY_MS });
    const [reached, held] = [deferred<void>(), deferred<void>()];
    it.coordinator.start();
    it.store.onCall = async (operation, key) => {
      if (operation !== "put" || !key.startsWith("segments")) return;
      reached.resolve();
      await held.promise;
    };
    if (at === "gathering") it.partitions.deaf.add(0);
    const taking = assert.rejects(it.coordinator.take());
    if (at === "writing") await reached.promise;
    assert.equal(it.coordinator.phase, at);
    const stopping = [it.coordinator.stop(), it.coordinator.stop()];
    held.resolve();
    await Promise.all([...stopping, taking]);
    await it.coordinator.stop();
    assert.equal(it.partitions.open, 0);
    assert.equal((await loadHead(it.store))?.head.owner.released, true);
    await assert.rejects(it.coordinator.take(), { code: "UNAVAILABLE" });
    assert(it.clock.isIdle);
  }
});

test("shares of so many partitions are written at once", async () => {
  const it = await setting({ count: 6 });
  let [now, most] = [0, 0];
  it.store.onCall = async (operation, key) => {
    if (operation !== "put" || !key.startsWith("segments")) return;
    most = Math.max(most, ++now);
    await it.clock.settle();
    now--;
  };
  await it.coordinator.take();
  assert.equal(most, 2);
});
