import assert from "node:assert/strict";
import { test } from "node:test";
import { Epochs } from "../../src/partition/epochs.ts";
import { Expiries } from "../../src/partition/expiries.ts";
import { Reads } from "../../src/partition/reads.ts";
import { SimDisk } from "../sim/disk.ts";

const KEY = Buffer.from("a state");

/** An index on a disk, with what it found at each time. */
function index() {
  const disk = new SimDisk();
  const epochs = new Epochs(0);
  const reads = new Reads(epochs);
  const it = new Expiries(epochs, reads);
  const commit = () => {
    if (epochs.dirtySinceMs === undefined) return;
    const { epoch, writes } = epochs.begin();
    disk.apply(writes, epoch);
    epochs.complete(epoch);
  };
  const sweep = (nowMs: number, found = (done: () => void) => done()): number => {
    let count = 0;
    it.sweep(nowMs, (_, __, ___, done) => {
      count++;
      found(done);
    });
    const request = reads.next();
    if (request === undefined) return -1;
    reads.complete({
      ...{ kind: "read", values: [] },
      scans: request.ranges.map((range) => disk.list(range)),
    });
    return count;
  };
  return { it, disk, commit, sweep };
}

test("a state stands in the index once, at a time not later than its earliest expiry", () => {
  const { it, disk, commit } = index();
  const record = { sweepAtMs: 0 };
  it.schedule("state", KEY, record, 100);
  it.schedule("state", KEY, record, 200); // later: looked at in time, and entered anew then
  commit();
  assert.deepEqual([disk.size, record.sweepAtMs], [1, 100]);
  it.schedule("state", KEY, record, 50);
  commit();
  assert.deepEqual([disk.size, record.sweepAtMs], [1, 50]);
  it.schedule("state", KEY, record, undefined);
  commit();
  assert.deepEqual([disk.size, record.sweepAtMs], [0, 0]);
});

test("a sweep finds what is due and no more, and the entry goes when it has been dealt with", () => {
  const { it, disk, commit, sweep } = index();
  it.enter("once", Buffer.from("due"), 100);
  it.enter("once", Buffer.from("not due"), 101);
  commit();
  assert.equal(sweep(100), 1);
  commit();
  assert.equal(disk.size, 1);
});

test("an entry stays until what it names has been dealt with, and nothing else is swept meanwhile", () => {
  const { it, disk, commit, sweep } = index();
  it.enter("state", KEY, 100);
  commit();
  let finish = () => {};
  assert.equal(
    sweep(100, (done) => {
      finish = done;
    }),
    1,
  );
  commit();
  assert.equal(disk.size, 1);
  assert.equal(it.wakeAtMs, undefined);
  assert.equal(sweep(50_000), -1);
  finish();
  commit();
  assert.equal(disk.size, 0);
});

test("sweeps rest in between, but not while there is more, and what was seen is not seen again", () => {
  const { it, commit, sweep } = index();
  for (let i = 0; i < 700; i++) it.enter("once", Buffer.from(`${i}`), 100);
  commit();
  assert.equal(sweep(100), 500);
  assert.equal(it.wakeAtMs, 100);
  assert.equal(sweep(100), 200); // though the removals are not durable
  assert.equal(sweep(101), -1);
  commit();
  assert.equal(sweep(100 + 10_000), 0);
});

test("a clock that goes back does not put the next sweep off", () => {
  const { sweep } = index();
  assert.equal(sweep(1_000_000), 0);
  assert.equal(sweep(1_000_001), -1);
  assert.equal(sweep(5_000), 0);
});
