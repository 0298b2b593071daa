import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { StatefoldError } from "../../src/base/errors.ts";
import { claim } from "../../src/snapshot/claim.ts";
import { Coordinator } from "../../src/snapshot/coordinator.ts";
import { loadHead } from "../../src/snapshot/head-file.ts";
import { manifestKey } from "../../src/snapshot/layout.ts";
import { objectsOf } from "../../src/snapshot/manifest.ts";
import { stepwisePacking } from "../../src/snapshot/packing.ts";
import { incarnationOf, type RestoreOptions, restoreSnapshot } from "../../src/snapshot/restore.ts";
import { loadManifest } from "../../src/snapshot/stored-snapshots.ts";
import { newestWhole, verifySnapshot, withAdvice } from "../../src/snapshot/verify.ts";
import { egressDestination, keyOf } from "../../src/store/keys.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import { EGRESS } from "../partition/harness.ts";
import { audit, under } from "../sim/audit.ts";
import { SimDisk } from "../sim/disk.ts";
import { FakeBlobStore, FakeBucket } from "../support/blob/fake.ts";
import { createRng, type Rng } from "../support/rng.ts";
import { ManualClock } from "./manual-clock.ts";
import { checkHops, Ring, toldBefore } from "./ring.ts";

const NOBODY_KNOWS = { isBelieved: true, isDone: () => false };

/** A ring, and snapshots that were taken while it went round. */
async function snapshotsOf(count: number, seed: number, snapshots = 2) {
  const rng = createRng(seed);
  const ring = await Ring.open(count, rng.fork());
  const blob = new FakeBlobStore(new FakeBucket());
  const { names } = await goRound(ring, blob, rng, snapshots);
  for (let step = 0; step < 300; step++) ring.step();
  return { ring, blob, names, rng };
}

/** Lets a ring go round while so many snapshots are taken. */
async function goRound(ring: Ring, blob: FakeBlobStore, rng: Rng, snapshots: number) {
  const clock = new ManualClock();
  const runtime = { data: `d${rng.int(1_000_000)}`, host: "h", pid: 1, command: "run" };
  const whose = { application: "test", runtime, incarnation: 0, isEmpty: true };
  const owner = await claim({ blob, clock, ...whose });
  const coordinator = new Coordinator({
    ...{ partitions: ring, blob, owner, numbers: "n1", clock, packing: stepwisePacking },
    ...{ everyMs: undefined, segmentBytes: 3_000 },
    listener: {
      ...{ onComplete: () => {}, onAbandoned: () => {}, onFenced: () => {} },
      onTrouble: (what, error) => assert.fail(`${what}: ${error}`),
    },
  });
  ring.onCut = (cut) => coordinator.cut(cut);
  const names: string[] = [];
  for (let i = 0; i < snapshots; i++) {
    const steps = 100 + rng.int(900);
    for (let step = 0; step < steps; step++) ring.step();
    let name: string | undefined;
    const taking = coordinator.take().then((taken) => {
      name = taken.name;
    });
    for (let step = 0; name === undefined; step++) {
      ring.step();
      if (step % 20 === 0) await clock.pass(10);
    }
    await taking;
    names.push(name);
  }
  await owner.release();
  return { names };
}

async function restored(
  blob: FakeBlobStore,
  name: string,
  count: number,
  rest: Partial<RestoreOptions> = {},
) {
  const manifest = await loadManifest(blob, name);
  const disks = Array.from({ length: count }, () => new SimDisk());
  const report = await restoreSnapshot({
    ...{ blob, manifest, stores: disks, application: "test", packing: stepwisePacking },
    incarnation: incarnationOf(manifest) + 1,
    ...rest,
  });
  for (const disk of disks) audit(disk, NOBODY_KNOWS);
  return { disks, report, manifest };
}

for (const [from, to] of [
  [1, 1],
  [3, 3],
  [1, 4],
  [3, 8],
  [4, 3],
  [4, 1],
] as const) {
  test(`every token goes on once from ${from} partitions on ${to}`, async () => {
    let inFlight = 0;
    for (let seed = 1; seed <= 3; seed++) {
      try {
        const { ring, blob, names, rng } = await snapshotsOf(from, seed);
        const name = rng.pick(names);
        const { disks, report, manifest } = await restored(blob, name, to);
        inFlight += report.inFlight;
        const cut = ring.cuts.get(manifest.barrier);
        assert(cut !== undefined);
        const dead = cut.reduce((sum, disk) => sum + under(disk, "dead").length, 0);
        assert.equal(
          disks.reduce((sum, disk) => sum + under(disk, "dead").length, 0),
          dead,
        );
        const next = await Ring.open(to, rng.fork(), disks);
        next.finish();
        const hops = [...toldBefore(ring.told, cut), ...next.told.map(({ hop }) => hop)];
        checkHops(hops);
        const counts = new Map<string, number>();
        for (const { at } of hops) counts.set(at, (counts.get(at) ?? 0) + 1);
        assert.deepEqual(new Map([...next.counts()].sort()), new Map([...counts].sort()));
        for (const { disk } of next.harnesses) audit(disk, NOBODY_KNOWS);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    assert(from === 1 || inFlight > 0, "nothing was on its way");
  });
}

test("what was restored is snapshot and restored again", async () => {
  const { blob, names, rng } = await snapshotsOf(2, 3);
  const first = await restored(blob, names[1] ?? "", 3);
  const ring = await Ring.open(3, rng.fork(), first.disks);
  for (let step = 0; step < 500; step++) ring.step();
  for (const { disk } of ring.harnesses) audit(disk, NOBODY_KNOWS);
  const [meta] = ring.harnesses[0]?.disk.read([keyOf("meta")]) ?? [];
  assert(meta !== undefined);
  const { incarnation, application, partitionCount, session } = decodeMeta(meta);
  assert.deepEqual([incarnation, application, partitionCount], [1, "test", 3]);
  assert(session > 2 ** 32);
});

test("a fork has its own name, and the number of its incarnation", async () => {
  const { blob, names } = await snapshotsOf(2, 4);
  const { report } = await restored(blob, names[0] ?? "", 2, {
    application: "fork",
    incarnation: 7,
  });
  for (const { application, incarnation, epoch } of report.metas) {
    assert.deepEqual([application, incarnation], ["fork", 7]);
    assert(epoch > 7 * 2 ** 32);
  }
});

test("records that had left after the cut do not leave again, since the egress knows their numbers", async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const { ring, blob, names, rng } = await snapshotsOf(4, seed);
    const { disks, manifest } = await restored(blob, names[1] ?? "", 2);
    const next = await Ring.open(2, rng.fork(), disks, { told: ring.told });
    next.finish();
    const cut = ring.cuts.get(manifest.barrier) ?? [];
    const before = toldBefore(ring.told, cut);
    const known = new Set(before);
    // What the cut had in its outboxes and left afterwards; the rest was done again.
    const after = ring.told.filter(({ hop, number, partition }) => {
      const next_ = manifest.partitions[partition]?.positions.get(
        `outbox:${egressDestination(EGRESS)}`,
      );
      return !known.has(hop) && number < (next_ ?? 1);
    });
    const since = next.told.slice(ring.told.length);
    checkHops([...before, ...after.map(({ hop }) => hop), ...since.map(({ hop }) => hop)]);
  }
});

for (const counts of [
  [1, 1, 1],
  [3, 3, 3],
  [4, 3, 8],
  [8, 2, 1],
  [2, 5, 3],
] as const) {
  test(`what waits for snapshots leaves once, though disk after disk is lost, from ${counts.join(" to ")} partitions`, async () => {
    let told = 0;
    for (let seed = 1; seed <= 2; seed++) {
      try {
        told += await losingDisks(counts, seed);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    assert(told > 0, "nothing has left before a disk was lost");
  });
}

/** Returns how many records had left before the last disk was lost. */
async function losingDisks([a, b, c]: readonly [number, number, number], seed: number) {
  const rng = createRng(seed);
  const blob = new FakeBlobStore(new FakeBucket());
  let ring = await Ring.open(a, rng.fork(), [], { isHeld: true });
  for (const count of [b, c]) {
    const { names } = await goRound(ring, blob, rng, 1 + rng.int(3));
    const steps = rng.int(400);
    for (let step = 0; step < steps; step++) ring.step();
    const { disks } = await restored(blob, names.at(-1) ?? "", count);
    ring = await Ring.open(count, rng.fork(), disks, { told: ring.told, isHeld: true });
  }
  const { length: before } = ring.told;
  await goRound(ring, blob, rng, 1);
  const { names } = await goRound(ring, blob, rng, 1);
  const { disks } = await restored(blob, names[0] ?? "", c);
  const last = await Ring.open(c, rng.fork(), disks, { told: ring.told });
  last.finish();
  checkHops(last.told.map(({ hop }) => hop));
  return before;
}

test("a segment that is damaged or missing is named, with the newest snapshot that is whole", async () => {
  const { blob, names } = await snapshotsOf(2, 5, 3);
  const { head } = (await loadHead(blob)) ?? {};
  assert(head !== undefined);
  const [, , newest = ""] = names;
  const older = new Set(
    (await Promise.all(names.slice(0, 2).map((name) => loadManifest(blob, name)))).flatMap(
      objectsOf,
    ),
  );
  const manifest = await loadManifest(blob, newest);
  const own = objectsOf(manifest).filter((key) => !older.has(key));
  const options = { blob, packing: stepwisePacking };
  await verifySnapshot(options, newest);
  for (const key of own) {
    const held = blob.bucket.objects.get(key);
    assert(held !== undefined);
    for (const bytes of [undefined, flipped(held.bytes)]) {
      blob.bucket.set(key, bytes === undefined ? undefined : { ...held, bytes });
      const damage: unknown = await restored(blob, newest, 2).catch((error: unknown) => error);
      assert(damage instanceof StatefoldError && damage.code === "SNAPSHOT_CORRUPT");
      assert(damage.message.includes(key), damage.message);
      await assert.rejects(verifySnapshot(options, newest), { code: "SNAPSHOT_CORRUPT" });
      const advice = await withAdvice(options, head.snapshots, newest, damage);
      assert.match(advice.message, /the newest that is whole is 2$/);
    }
    blob.bucket.set(key, held);
  }
  await verifySnapshot(options, newest);
  for (const name of names) blob.bucket.set(manifestKey(name), undefined);
  assert.equal(await newestWhole(options, head.snapshots), undefined);
  await setImmediate();
});

function flipped(bytes: Uint8Array): Uint8Array {
  const other = Uint8Array.from(bytes);
  const at = Math.floor(other.byteLength / 2);
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
}
