import assert from "node:assert/strict";
import { test } from "node:test";
import type { DelayedEffect } from "../../src/model/invocation.ts";
import { at, Harness, value } from "./harness.ts";

const HOUR_MS = 3_600_000;

const later = (text: string, delayMs: number, token = ""): DelayedEffect => ({
  ...{ kind: "send", target: at("timed"), value: value(text), delayMs, token },
});

/** An address that has scheduled these. */
async function scheduled(
  delayed: readonly DelayedEffect[],
  options: Parameters<typeof Harness.open>[0] = {},
): Promise<Harness> {
  const it = await Harness.open(options);
  it.settle(it.send(at("a"), "schedule"));
  it.reply({ delayed });
  return it.settle();
}

/** What the address of the timers is called with, up to this time. */
function firedBy(it: Harness, ms: number): string[] {
  const fired: string[] = [];
  const untilMs = it.nowMs + ms;
  while (it.nowMs < untilMs) {
    it.pass(Math.min(1_000, untilMs - it.nowMs));
    while (it.batch !== undefined) {
      fired.push(...it.batch);
      it.reply();
      it.settle();
    }
  }
  return fired;
}

test("a timer fires when it is due, not before", async () => {
  const it = await scheduled([later("x", 1_000)]);
  assert.deepEqual(firedBy(it, 999), []);
  assert.deepEqual(firedBy(it, 1), ["x"]);
});

test("timers fire by their time, those of one time in the order they were made", async () => {
  const it = await scheduled([later("3", 20), later("1", 10), later("2", 10), later("0", 0)]);
  assert.deepEqual(firedBy(it, 100), ["0", "1", "2", "3"]);
});

test("a timer is in the store from its commit until it fires, and survives a crash", async () => {
  const it = await scheduled([later("x", 1_000)]);
  assert.equal(it.stored("timer").length, 1);
  const next = await it.reopen();
  assert.deepEqual(firedBy(next, 1_000), ["x"]);
  assert.equal(next.stored("timer").length, 0);
});

test("one that was due while the node was down fires at once", async () => {
  const it = await scheduled([later("x", 1_000)]);
  const next = await it.reopen();
  next.nowMs += 24 * HOUR_MS;
  next.settle();
  assert.deepEqual(next.batch, ["x"]);
});

test("one that fires within the epoch that made it is never written", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "schedule"));
  it.turn(it.send(at("b"), "hold the commit"));
  it.reply({ delayed: [later("x", 0)] });
  it.turn();
  it.completeCommit();
  assert.deepEqual(it.writes("timer"), []);
  assert.equal(it.partition.ledger.timers, 0);
});

test("what is far away is on the disk alone, and comes into memory in time", async () => {
  const it = await scheduled([later("far", HOUR_MS), later("near", 10)]);
  firedBy(it, 1_000);
  assert.equal(it.partition.timers.inMemory, 0);
  assert.deepEqual(firedBy(it, HOUR_MS - 1_001), []);
  assert.deepEqual(firedBy(it, 1), ["far"]);
});

test("beyond its bound, memory holds the earliest, and none is forgotten", async () => {
  const all = Array.from({ length: 100 }, (_, i) => later(`${i}`, 100 + ((i * 37) % 100) * 10));
  const it = await scheduled(all, { limits: { timersInMemory: 5 } });
  assert(it.partition.timers.inMemory <= 10);
  const expected = all
    .map((_, i) => i)
    .sort((a, b) => ((a * 37) % 100) - ((b * 37) % 100))
    .map(String);
  assert.deepEqual(firedBy(it, 2_000), expected);
  assert.deepEqual([it.partition.ledger.timers, it.stored("timer").length], [0, 0]);
});

test("a timer made while the store is being read is not missed", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "schedule"));
  it.nowMs += 70_000; // the horizon has come close
  it.turn();
  const early = it.look();
  it.reply({ delayed: [later("x", 100), later("y", 100_000)] });
  while (it.commit !== undefined) it.completeCommit();
  it.answerRead(early);
  it.settle();
  assert.deepEqual(firedBy(it, 100), ["x"]);
  assert.deepEqual(firedBy(it, 100_000), ["y"]);
});

test("a timer cancelled while the store is being read does not come back", async () => {
  const it = await scheduled([later("far", 130_000, "t")]);
  it.settle(it.send(at("a"), "cancel"));
  it.nowMs += 70_000;
  it.turn();
  const early = it.look();
  assert.equal(early.scans.flat().length, 1, "the read has seen it");
  it.read = undefined;
  it.reply({ delayed: [{ kind: "cancel", token: "t" }] });
  while (it.commit !== undefined) it.completeCommit();
  it.turn(early);
  it.settle();
  assert.deepEqual(firedBy(it, 200_000), []);
  assert.deepEqual([it.partition.ledger.timers, it.stored("timer").length], [0, 0]);
});

test("one that is on the disk alone is cancelled there", async () => {
  const it = await scheduled([later("far", 24 * HOUR_MS, "t")]);
  const next = await it.reopen();
  next.settle(next.send(at("a"), "cancel"));
  next.reply({ delayed: [{ kind: "cancel", token: "t" }] });
  next.settle();
  assert.deepEqual([next.stored("timer").length, next.stored("token").length], [0, 0]);
  assert.equal(next.partition.ledger.timers, 0);
});

test("a clock that goes back makes timers late, and loses none", async () => {
  const it = await scheduled([later("x", 1_000)]);
  it.nowMs -= 500_000;
  it.settle();
  assert.deepEqual(firedBy(it, 501_000), ["x"]);
});

test("more than a turn fires at once is fired by the turns that follow", async () => {
  const it = await scheduled(Array.from({ length: 2_500 }, (_, i) => later(`${i}`, 10)));
  assert.equal(firedBy(it, 1_000).length, 2_500);
});

test("large ones that are due at once fire over as many epochs as they need", async () => {
  const it = await Harness.open({ limits: { epochBytes: 100_000 } });
  for (let i = 0; i < 20; i++) {
    it.settle(it.send(at(`t${i}`), `${i}.`, { delayMs: 50_000, bytes: 30_000 }));
  }
  it.nowMs += 60_000;
  const commits: number[] = [];
  for (let turns = 0; it.stored("timer").length > 0; turns++) {
    assert(turns < 1_000, "they never fire");
    if (it.read !== undefined) it.answerRead();
    else if (it.commit === undefined) it.turn();
    else {
      const sizes = it.commit.writes.map((write) => write.value?.byteLength ?? 0);
      commits.push(sizes.reduce((sum, bytes) => sum + bytes, 0));
      it.completeCommit();
    }
  }
  assert(Math.max(...commits) < 200_000, `a commit of ${Math.max(...commits)} bytes`);
  assert.equal(it.settle().started.length, 20);
});

test("memory holds only so many bytes of them, and none is forgotten", async () => {
  const it = await Harness.open({ limits: { timerBytesInMemory: 100_000 } });
  const ids = Array.from({ length: 30 }, (_, i) => `t${i}`);
  for (const [i, id] of ids.entries()) {
    it.settle(it.send(at(id), id, { delayMs: 20_000 - i, bytes: 30_000 }));
    assert(it.partition.timers.inMemory <= 7, `${it.partition.timers.inMemory} are in memory`);
  }
  it.nowMs += 60_000;
  for (let turns = 0; it.started.length < ids.length; turns++) {
    assert(turns < 1_000, "some are forgotten");
    it.settle();
  }
  const fired = it.started.map(({ invocation }) => invocation.target.id);
  assert.deepEqual(fired, ids.toReversed());
});
