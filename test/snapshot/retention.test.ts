import assert from "node:assert/strict";
import { test } from "node:test";
import { withRetries } from "../../src/blob/retry.ts";
import { claim } from "../../src/snapshot/claim.ts";
import { Coordinator } from "../../src/snapshot/coordinator.ts";
import { loadHead } from "../../src/snapshot/head-file.ts";
import { HEAD_KEY, manifestKey } from "../../src/snapshot/layout.ts";
import { objectsOf } from "../../src/snapshot/manifest.ts";
import { stepwisePacking } from "../../src/snapshot/packing.ts";
import { GRACE_MS } from "../../src/snapshot/retention.ts";
import { loadManifest } from "../../src/snapshot/stored-snapshots.ts";
import {
  type BlobFaults,
  FakeBlobStore,
  FakeBucket,
  NO_FAULTS,
  unavailable,
} from "../support/blob/fake.ts";
import { createRng, type Rng } from "../support/rng.ts";
import { FakePartitions } from "./fake-partitions.ts";
import { ManualClock } from "./manual-clock.ts";
import { readBack } from "./read-back.ts";

const KEEP = 2;
const FAULTS: BlobFaults = {
  ...{ unavailable: 0.03, lost: 0.03, broken: 0.03, late: 0.2 },
  ...{ damaged: 0, maxDelayMs: 0 },
};

interface Life {
  readonly store: FakeBlobStore;
  readonly partitions: FakePartitions;
  readonly coordinator: Coordinator;
  readonly troubles: string[];
}

class World {
  readonly bucket = new FakeBucket();
  readonly clock = new ManualClock();
  readonly rng: Rng;
  faults = FAULTS;
  lives: Life[] = [];
  /** Being restored: until when they must be whole. */
  readonly restoring: { readonly name: string; readonly untilMs: number }[] = [];
  crashes = 0;
  taken = 0;

  constructor(seed: number) {
    this.rng = createRng(seed);
  }

  get life(): Life {
    const life = this.lives.at(-1);
    assert(life !== undefined);
    return life;
  }

  async begin(): Promise<void> {
    const partitions = this.lives.at(-1)?.partitions.reborn() ?? new FakePartitions(2, this.rng);
    const now = () => this.clock.now();
    const store = new FakeBlobStore(this.bucket, { rng: this.rng.fork(), now });
    const blob = withRetries(store, { wait: async () => {}, attempts: 4 });
    const runtime = { data: "d", host: "h", pid: this.lives.length, command: "run" };
    const claiming = { blob, clock: this.clock, application: "app", runtime, incarnation: 0 };
    const owner = await claim(claiming);
    store.faults = this.faults;
    const troubles: string[] = [];
    const coordinator = new Coordinator({
      numbers: "n1",
      ...{ partitions, blob, owner, clock: this.clock, everyMs: undefined, keep: KEEP },
      ...{ packing: stepwisePacking, segmentBytes: this.rng.pick([500, 5_000]) },
      cutTimeoutMs: 1_000,
      listener: {
        onComplete: () => this.taken++,
        onAbandoned: () => {},
        onFenced: () => {},
        onTrouble: (what, error) => troubles.push(`${what}: ${error}`),
      },
    });
    partitions.onCut = (cut) => coordinator.cut(cut);
    this.lives.push({ store, partitions, coordinator, troubles });
  }

  async step(): Promise<void> {
    const { rng, life } = this;
    const { partitions, coordinator, store } = life;
    partitions.change(rng.int(2), rng.int(30));
    const drawn = rng.int(10);
    if (drawn < 6) await coordinator.take().catch(() => {});
    else if (drawn < 8) await this.#crash(store, coordinator);
    else if (drawn < 9) await this.#beginRestore();
    await this.clock.pass(rng.pick([1, 1_000, GRACE_MS / 3, GRACE_MS + 1]));
    await this.check();
  }

  /** In the middle of an attempt, or of a removal; it may wake up when another has taken over. */
  async #crash(store: FakeBlobStore, coordinator: Coordinator): Promise<void> {
    this.crashes++;
    let left = this.rng.int(14);
    let wakeUp = (): void => {};
    const asleep = new Promise<void>((resolve) => {
      wakeUp = resolve;
    });
    store.onCall = async () => {
      if (left-- <= 0) await asleep;
    };
    const dying = coordinator.take().catch(() => {});
    await this.clock.settle();
    await this.begin();
    if (this.rng.chance(0.5)) await this.life.coordinator.take().catch(() => {});
    if (this.rng.chance(0.5)) store.failure = unavailable("dead");
    wakeUp();
    await this.clock.pass(2_000);
    await dying;
    await coordinator.stop();
  }

  async #beginRestore(): Promise<void> {
    const head = (await loadHead(new FakeBlobStore(this.bucket)))?.head;
    if (head === undefined || head.snapshots.length === 0) return;
    const name = this.rng.pick(head.snapshots);
    this.restoring.push({ name, untilMs: this.clock.now() + GRACE_MS - 1 });
  }

  /** Everything that the head names, and that is being restored, is whole and as it was cut. */
  async check(): Promise<void> {
    const { head } = (await loadHead(new FakeBlobStore(this.bucket))) ?? {};
    assert(head !== undefined);
    const going = this.restoring.filter(({ untilMs }) => untilMs >= this.clock.now());
    for (const name of new Set([...head.snapshots, ...going.map((each) => each.name)])) {
      const { barrier } = await loadManifest(new FakeBlobStore(this.bucket), name);
      assert.deepEqual(await readBack(this.bucket, name), this.life.partitions.cuts.get(barrier));
    }
    assert(head.snapshots.length <= KEEP);
  }

  /** With nothing failing any more, nothing is left that is not needed. */
  async close(): Promise<void> {
    this.faults = NO_FAULTS;
    await this.life.coordinator.stop();
    await this.begin();
    for (let i = 0; i <= KEEP; i++) {
      await this.life.coordinator.take();
      await this.clock.pass(GRACE_MS + 1);
    }
    await this.life.coordinator.take();
    await this.clock.settle();
    await this.check();
    const blob = new FakeBlobStore(this.bucket);
    const { head } = (await loadHead(blob)) ?? {};
    assert(head !== undefined);
    const expected = new Set([HEAD_KEY]);
    for (const name of [...head.snapshots, ...head.dropped]) {
      expected.add(manifestKey(name));
      for (const key of objectsOf(await loadManifest(blob, name))) expected.add(key);
    }
    assert.deepEqual([...this.bucket.objects.keys()].sort(), [...expected].sort());
    assert.deepEqual(this.life.troubles, []);
    for (const { partitions } of this.lives) assert.equal(partitions.open, 0);
  }
}

test("whatever fails, crashes and wakes up late: nothing that is needed is removed, nothing else stays", async () => {
  let [crashes, taken, restored] = [0, 0, 0];
  for (let seed = 1; seed <= 40; seed++) {
    const world = new World(seed);
    try {
      await world.begin();
      for (let step = 0; step < 15; step++) await world.step();
      await world.close();
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
    crashes += world.crashes;
    taken += world.taken;
    restored += world.restoring.length;
  }
  assert(crashes > 50 && taken > 200 && restored > 20, `${crashes} ${taken} ${restored}`);
});

test("while a manifest that is needed cannot be read, nothing is removed", async () => {
  const world = new World(1);
  world.faults = NO_FAULTS;
  await world.begin();
  const { name } = await world.life.coordinator.take();
  await world.life.coordinator.stop();
  await world.begin();
  const { coordinator, troubles } = world.life;
  world.bucket.set("segments/1/000000000099-p00000-00000.seg", {
    ...{ bytes: Buffer.of(1), tag: "x", modifiedMs: 0 },
  });
  const held = world.bucket.objects.get(manifestKey(name));
  world.bucket.set(manifestKey(name), undefined);
  await coordinator.take();
  await world.clock.settle();
  assert.match(troubles.join(), /was not removed: .*000000000001-1.json of snapshot .* is missing/);
  assert(world.bucket.objects.has("segments/1/000000000099-p00000-00000.seg"));
  world.bucket.set(manifestKey(name), held);
  await coordinator.take();
  await world.clock.settle();
  assert(!world.bucket.objects.has("segments/1/000000000099-p00000-00000.seg"));
});

test("what has no name of ours is left alone, and so is what a successor writes", async () => {
  const world = new World(1);
  world.faults = NO_FAULTS;
  await world.begin();
  const others = ["segments/readme.txt", "notes", "segments/2/000000000001-p00000-00000.seg"];
  for (const key of others) {
    world.bucket.set(key, { bytes: Buffer.of(1), tag: key, modifiedMs: 0 });
  }
  await world.life.coordinator.take();
  await world.clock.settle();
  for (const key of others) assert(world.bucket.objects.has(key), key);
});

test("a snapshot that is complete without its owner knowing is not taken for what failed", async () => {
  const world = new World(1);
  world.faults = NO_FAULTS;
  await world.begin();
  const { coordinator, store, partitions } = world.life;
  await coordinator.take();
  await world.clock.settle();
  store.onCall = (operation, key) => {
    if (store.faults.lost > 0) store.failure = unavailable("down");
    if (operation === "put" && key === HEAD_KEY) store.faults = { ...NO_FAULTS, lost: 1 };
  };
  await assert.rejects(coordinator.take(), { code: "SNAPSHOT_ABANDONED" });
  await world.clock.settle();
  store.onCall = () => {};
  store.failure = undefined;
  store.faults = NO_FAULTS;
  partitions.deaf.add(0);
  const abandoned = assert.rejects(coordinator.take());
  await world.clock.pass(2_000);
  await abandoned;
  await world.clock.settle();
  await world.check();
  const { head } = (await loadHead(new FakeBlobStore(world.bucket))) ?? {};
  assert.deepEqual(head?.snapshots, ["000000000001-1", "000000000002-1"]);
});

test("what an owner of the past writes when it wakes up late is found within the hour", async () => {
  const world = new World(1);
  world.faults = NO_FAULTS;
  await world.begin();
  const { coordinator } = world.life;
  await coordinator.take();
  await world.clock.settle();
  const late = "topics/1/000000000099-00000.log";
  world.bucket.set(late, { bytes: Buffer.of(1), tag: "x", modifiedMs: 0 });
  await coordinator.take();
  await world.clock.settle();
  assert(world.bucket.objects.has(late), "not everything is listed each time");
  await world.clock.pass(60 * 60 * 1000);
  await coordinator.take();
  await world.clock.settle();
  assert(!world.bucket.objects.has(late));
});
