import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import { withRetries } from "../../src/blob/retry.ts";
import { claim, enrol, LEASE_MS } from "../../src/snapshot/claim.ts";
import { writeHead } from "../../src/snapshot/head.ts";
import { loadHead } from "../../src/snapshot/head-file.ts";
import { HEAD_KEY } from "../../src/snapshot/layout.ts";
import type { Ownership } from "../../src/snapshot/ownership.ts";
import { FakeBlobStore, FakeBucket, unavailable } from "../support/blob/fake.ts";
import { createRng } from "../support/rng.ts";
import { HEAD } from "./examples.ts";
import { ManualClock } from "./manual-clock.ts";

interface World {
  readonly bucket: FakeBucket;
  readonly clock: ManualClock;
}

const world = (): World => ({ bucket: new FakeBucket(), clock: new ManualClock() });

const runtime = (data: string, pid = 1) => ({ data, host: `${data}.host`, pid, command: "run" });

/** Asked again at once: the clock stands still. */
const retrying = (store: FakeBlobStore) => withRetries(store, { wait: async () => {} });

function options(
  { bucket, clock }: World,
  data: string,
  pid = 1,
  store = new FakeBlobStore(bucket),
) {
  const blob = retrying(store);
  return { blob, clock, application: "app", runtime: runtime(data, pid), incarnation: 0 };
}

const SNAPSHOT = "000000000001-1";
const withSnapshot = (it: Ownership) =>
  it.update((head) => ({ ...head, snapshots: [SNAPSHOT], nextBarrier: 2 }));

const silent = { onMissed: () => {}, onFenced: () => {} };

test("the first to come owns the prefix", async () => {
  const it = world();
  const own = await claim(options(it, "d1"));
  assert.equal(own.term, 1);
  const stored = await loadHead(new FakeBlobStore(it.bucket));
  assert.deepEqual(stored?.head, own.head);
  assert.equal(stored?.head.owner.host, "d1.host");
});

test("of two who come at once one owns it, and the other is told who", async () => {
  const it = world();
  const first = options(it, "d1", 11);
  const claims = [claim(first), claim(options(it, "d2", 12))];
  const settled = Promise.allSettled(claims.map(async (each) => (await each).beat(silent)));
  await it.clock.pass(2 * LEASE_MS);
  const ends = await settled;
  assert.equal(ends.filter(({ status }) => status === "fulfilled").length, 1);
  const [refused] = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  assert.equal(refused.code, "SNAPSHOT_OWNED");
  assert.match(refused.message, /process 1[12] on d[12]\.host \(run, since 20/);
});

test("who is at work is not succeeded by an heir, who is dead is, after the lease", async () => {
  const it = world();
  const first = await claim(options(it, "d1"));
  await withSnapshot(first);
  first.beat(silent);
  assert.equal(await enrol(new FakeBlobStore(it.bucket), "app", "d2", 0), 1);
  const early = assert.rejects(claim(options(it, "d2")), { code: "SNAPSHOT_OWNED" });
  await it.clock.pass(LEASE_MS);
  await early;
  await first.release();
  await it.clock.pass(LEASE_MS);
  const other = world();
  other.bucket.objects.set(HEAD_KEY, {
    ...{ bytes: writeHead({ ...HEAD, heirs: ["d2"] }), tag: "t", modifiedMs: 0 },
  });
  let isOver = false;
  const waited: string[] = [];
  const onWait = ({ data }: { data: string }, waitMs: number) => waited.push(`${data} ${waitMs}`);
  const late = claim({ ...options(other, "d2"), onWait }).finally(() => {
    isOver = true;
  });
  await other.clock.pass(LEASE_MS - 1);
  assert(!isOver);
  await other.clock.pass(1);
  const successor = await late;
  assert.deepEqual(waited, [`${HEAD.owner.data} ${LEASE_MS}`]);
  assert.equal(successor.term, HEAD.owner.term + 1);
  assert.deepEqual(successor.head.snapshots, HEAD.snapshots);
});

test("the same data directory takes over at once, and so does anybody after a good-bye", async () => {
  const it = world();
  const first = await claim(options(it, "d1", 1));
  await withSnapshot(first);
  const second = await claim(options(it, "d1", 2));
  assert.equal(second.term, 2);
  await enrol(new FakeBlobStore(it.bucket), "app", "d2", 0);
  await second.release();
  const third = await claim(options(it, "d2", 3));
  assert.equal(third.term, 3);
  assert.equal(third.head.owner.released, false);
});

test("data that was not restored from there is refused, and so is another application", async () => {
  const it = world();
  const first = await claim(options(it, "d1"));
  await withSnapshot(first);
  await first.release();
  await assert.rejects(claim(options(it, "d9")), {
    code: "SNAPSHOT_FOREIGN",
    message: /another data directory of "app" \(last used by process 1 on d1\.host/,
  });
  const other = { ...options(it, "d1"), application: "other" };
  await assert.rejects(claim(other), { code: "SNAPSHOT_FOREIGN", message: /application "app"/ });
  const blob = new FakeBlobStore(it.bucket);
  await assert.rejects(enrol(blob, "other", "d3", 0), { code: "SNAPSHOT_FOREIGN" });
});

test("who was succeeded by an heir does not come back", async () => {
  const it = world();
  const first = await claim(options(it, "d1"));
  await withSnapshot(first);
  await enrol(new FakeBlobStore(it.bucket), "app", "d2", 4);
  await first.release();
  const heir = await claim(options(it, "d2"));
  await heir.release();
  await assert.rejects(claim(options(it, "d1")), { code: "SNAPSHOT_FOREIGN" });
  assert.equal(heir.head.incarnation, 5);
});

test("without a snapshot there is nothing to protect: any data may follow", async () => {
  const it = world();
  await (await claim(options(it, "d1"))).release();
  assert.equal((await claim(options(it, "d2"))).term, 2);
});

test("a predecessor that wakes up late can write nothing, and is told who has its place", async () => {
  const it = world();
  const first = await claim(options(it, "d1", 1));
  await claim(options(it, "d1", 2));
  const fenced = { code: "SNAPSHOT_FENCED", message: /process 2 on d1\.host/ };
  await assert.rejects(withSnapshot(first), fenced);
  await assert.rejects(
    first.update((head) => head),
    fenced,
  );
  const stored = await loadHead(new FakeBlobStore(it.bucket));
  assert.deepEqual(stored?.head.snapshots, []);
});

test("an owner beats while it writes nothing else, and hears in a beat that it is fenced", async () => {
  const it = world();
  const first = await claim(options(it, "d1", 1));
  const heard: StatefoldError[] = [];
  first.beat({ ...silent, onFenced: (error) => heard.push(error) });
  await it.clock.pass(LEASE_MS);
  assert.equal(first.head.beat, 4);
  await it.clock.pass(LEASE_MS / 6);
  await first.update((head) => head);
  await it.clock.pass(LEASE_MS / 6);
  assert.equal(first.head.beat, 5);
  await claim(options(it, "d1", 2));
  await it.clock.pass(LEASE_MS);
  assert.deepEqual(
    heard.map(({ code }) => code),
    ["SNAPSHOT_FENCED"],
  );
  assert(it.clock.isIdle);
});

test("who listens later hears instead of who did before, and it beats no more often", async () => {
  const it = world();
  const first = await claim(options(it, "d1", 1));
  const heard: string[] = [];
  first.beat({ ...silent, onFenced: () => heard.push("first") });
  first.beat({ ...silent, onFenced: () => heard.push("second") });
  await it.clock.pass(LEASE_MS);
  assert.equal(first.head.beat, 4);
  await claim(options(it, "d1", 2));
  await it.clock.pass(LEASE_MS);
  assert.deepEqual(heard, ["second"]);
  assert(it.clock.isIdle);
});

test("a beat that is missed is not the last", async () => {
  const it = world();
  const store = new FakeBlobStore(it.bucket);
  const first = await claim(options(it, "d1", 1, store));
  const missed: unknown[] = [];
  first.beat({ ...silent, onMissed: (error) => missed.push(error) });
  store.failure = unavailable("down");
  await it.clock.pass(LEASE_MS);
  store.failure = undefined;
  await it.clock.pass(LEASE_MS / 3);
  assert.equal(missed.length, 3);
  assert.equal(first.head.beat, 2);
  await first.release();
});

test("answers that are lost fence nobody, and let nobody in twice", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const it = world();
    const rng = createRng(seed);
    const faults = { lost: 0.3, unavailable: 0.2, broken: 0.1 };
    const flaky = () => new FakeBlobStore(it.bucket, { rng: rng.fork(), faults });
    let own = await claim(options(it, "d1", 1, flaky()));
    let mine = 0;
    const steps = 1 + rng.int(12);
    for (let step = 0; step < steps; step++) {
      const drawn = rng.int(10);
      try {
        if (drawn < 2) own = await claim(options(it, "d1", 2 + step, flaky()));
        else if (drawn < 4) await enrol(retrying(flaky()), "app", `d${step}`, 0);
        else {
          const next = Math.max(mine, own.head.nextBarrier) + 1;
          await own.update((head) => ({ ...head, nextBarrier: next }));
          mine = next;
        }
      } catch (error) {
        assert(error instanceof StatefoldError && error.code === "BLOB_UNAVAILABLE", String(error));
      }
    }
    const stored = await loadHead(new FakeBlobStore(it.bucket));
    assert((stored?.head.nextBarrier ?? 0) >= mine, `seed ${seed}: an update is lost`);
  }
});

test("a head that is replaced all the time is given up", async () => {
  const it = world();
  await claim(options(it, "d1"));
  const store = new FakeBlobStore(it.bucket);
  let puts = 0;
  store.onCall = (operation) => {
    if (operation !== "put") return;
    const held = it.bucket.objects.get(HEAD_KEY);
    if (held !== undefined) it.bucket.set(HEAD_KEY, { ...held, tag: `other ${++puts}` });
  };
  await assert.rejects(enrol(store, "app", "d2", 0), { code: "BLOB_UNAVAILABLE" });
  assert.equal(puts, 20);
});

test("a data directory that is empty takes over before it is filled, once the owner is dead", async () => {
  const it = world();
  const first = await claim(options(it, "d1"));
  await withSnapshot(first);
  const empty = { ...options(it, "d2"), isEmpty: true };
  first.beat(silent);
  const early = assert.rejects(claim(empty), { code: "SNAPSHOT_OWNED", message: /d1\.host/ });
  await it.clock.pass(LEASE_MS);
  await early;
  await first.release();
  const second = await claim(empty);
  assert.deepEqual([second.term, second.head.snapshots], [2, [SNAPSHOT]]);
  await assert.rejects(withSnapshot(first), { code: "SNAPSHOT_FENCED" });
  // It could not be filled.
  await second.handBack("d1");
  await second.release();
  assert.equal((await claim(options(it, "d1"))).term, 3);
});
