import assert from "node:assert/strict";
import { test } from "node:test";
import { at, EGRESS, Harness, textOf, value } from "./harness.ts";

const DESTINATION = `egress/${EGRESS}`;

const records = (...texts: readonly string[]) =>
  texts.map((text) => ({ egress: EGRESS, value: value(text) }));

/** An address tells the egress these, in one epoch, which becomes durable. */
function tell(it: Harness, ...texts: readonly string[]): void {
  it.settle(it.send(at("a"), "tell"));
  it.reply({ egress: records(...texts) });
  it.settle();
}

const published = (it: Harness) =>
  it
    .take("publish")
    .map(({ first, records: sent }) => [first, ...sent.map((record) => textOf(record.value))]);

const acknowledge = (it: Harness, upTo: number) =>
  it.settle({ kind: "acknowledged", destination: DESTINATION, upTo });

test("a record leaves only after the commit of the epoch that made it", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "tell"));
  it.reply({ egress: records("x") });
  assert.deepEqual(published(it), []);
  assert.equal(it.writes("outbox").length, 1);
  it.completeCommit();
  assert.deepEqual(published(it), [[1, "x"]]);
});

test("records are numbered one after the other, across epochs and restarts", async () => {
  const it = await Harness.open();
  tell(it, "1", "2");
  tell(it, "3");
  assert.deepEqual(published(it), [
    [1, "1", "2"],
    [3, "3"],
  ]);
  acknowledge(it, 3);
  const next = await it.reopen();
  tell(next, "4");
  assert.deepEqual(published(next), [[4, "4"]]);
});

test("what was not acknowledged is sent again after a restart, as it was", async () => {
  const it = await Harness.open();
  tell(it, "1", "2");
  tell(it, "3");
  acknowledge(it, 2);
  const next = await it.reopen();
  assert.deepEqual(published(next), [[3, "3"]]);
});

test("an epoch that was lost in a crash gives its numbers again, since nothing of it has left", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "tell"));
  it.reply({ egress: records("lost") });
  const next = await it.reopen();
  next.settle();
  next.reply({ egress: records("kept") });
  next.settle();
  assert.deepEqual(published(next), [[1, "kept"]]);
});

test("what was acknowledged leaves the store and the books with a later epoch", async () => {
  const it = await Harness.open();
  tell(it, "1", "2");
  assert.equal(it.partition.ledger.outbox, 2);
  acknowledge(it, 2);
  assert.deepEqual([it.partition.ledger.outbox, it.stored("outbox").length], [0, 0]);
});

test("what was acknowledged in part stays whole", async () => {
  const it = await Harness.open();
  tell(it, "1", "2");
  acknowledge(it, 1);
  assert.equal(it.partition.ledger.outbox, 2);
  acknowledge(it, 2);
  assert.equal(it.partition.ledger.outbox, 0);
});

test("beyond its bound in memory an outbox waits on disk, and is sent in order as it empties", async () => {
  const it = await Harness.open({ limits: { outboxBytesInMemory: 500 } });
  for (let i = 1; i <= 20; i++) tell(it, `${i}`);
  const sent = published(it);
  assert(sent.length < 5, `${sent.length} are in memory`);
  for (let upTo = sent.length; upTo < 20; ) {
    acknowledge(it, upTo);
    const more = published(it);
    assert(more.length > 0, "it has stopped");
    sent.push(...more);
    upTo += more.length;
  }
  assert.deepEqual(
    sent,
    Array.from({ length: 20 }, (_, i) => [i + 1, `${i + 1}`]),
  );
});

test("a large epoch makes several entries, each sent and deleted by itself", async () => {
  const it = await Harness.open();
  tell(it, ...Array.from({ length: 2_500 }, (_, i) => `${i}`));
  assert.deepEqual(
    it.take("publish").map(({ first, records: sent }) => [first, sent.length]),
    [
      [1, 1_000],
      [1_001, 1_000],
      [2_001, 500],
    ],
  );
  acknowledge(it, 1_000);
  assert.equal(it.stored("outbox").length, 2);
});

test("a destination that has less than was sent gets the rest again", async () => {
  const it = await Harness.open();
  tell(it, "1");
  tell(it, "2");
  tell(it, "3");
  published(it);
  it.settle({ kind: "resume", destination: DESTINATION, next: 2, barrier: 0 });
  assert.deepEqual(published(it), [
    [2, "2"],
    [3, "3"],
  ]);
});

test("a destination that has more than was ever sent moves the numbers up", async () => {
  const it = await Harness.open();
  it.settle({ kind: "resume", destination: DESTINATION, next: 100, barrier: 0 });
  tell(it, "1");
  tell(it, "2");
  assert.deepEqual(published(it), [
    [100, "1"],
    [101, "2"],
  ]);
  const next = await it.reopen();
  assert.deepEqual(published(next), [
    [100, "1"],
    [101, "2"],
  ]);
});

test("after an accepted loss nothing new gets a number that the lost epochs may have given", async () => {
  const it = await Harness.open();
  tell(it, "1");
  const older = it.disk.copy();
  tell(it, "lost");
  const next = await Harness.open({ disk: older, lostEpoch: 1_000 });
  assert.deepEqual(published(next), [[1, "1"]]);
  tell(next, "new");
  const [sent] = published(next);
  assert.equal(sent?.[1], "new");
  assert(Number(sent?.[0]) > 2 ** 32);
  acknowledge(next, Number(sent?.[0]));
  const later = await next.reopen({ lostEpoch: undefined });
  assert.deepEqual(published(later), []);
  tell(later, "newer");
  assert.deepEqual(published(later), [[Number(sent?.[0]) + 1, "newer"]]);
});

const barrier = (it: Harness, number: number) => it.settle({ kind: "barrier", barrier: number });
const complete = (it: Harness, number: number) =>
  it.settle({ kind: "snapshotComplete", barrier: number });
const heldBy = (it: Harness) => it.partition.outboxes.held;

test("a record that waits for snapshots leaves when one is complete that was cut behind it", async () => {
  const it = await Harness.open({ isHeld: true });
  tell(it, "1", "2");
  barrier(it, 1);
  tell(it, "3");
  assert.deepEqual([published(it), heldBy(it)], [[], 3]);
  complete(it, 1);
  assert.deepEqual([published(it), heldBy(it)], [[[1, "1", "2"]], 1]);
  acknowledge(it, 2);
  barrier(it, 2);
  barrier(it, 3);
  tell(it, "4");
  complete(it, 3);
  assert.deepEqual([published(it), heldBy(it)], [[[3, "3"]], 1]);
  assert.equal(it.partition.ledger.outbox, 2);
});

test("a snapshot of before, or one that is given up, lets nothing go", async () => {
  const it = await Harness.open({ isHeld: true });
  barrier(it, 1);
  tell(it, "1");
  complete(it, 1);
  barrier(it, 2);
  tell(it, "2");
  complete(it, 1);
  assert.deepEqual(published(it), []);
  barrier(it, 3);
  complete(it, 3);
  assert.deepEqual(published(it), [
    [1, "1"],
    [2, "2"],
  ]);
});

test("after a restart everything waits for the next snapshot, whatever was covered before", async () => {
  const it = await Harness.open({ isHeld: true });
  tell(it, "1");
  barrier(it, 1);
  complete(it, 1);
  assert.deepEqual(published(it), [[1, "1"]]);
  const next = await it.reopen();
  complete(next, 1);
  assert.deepEqual([published(next), heldBy(next)], [[], 1]);
  barrier(next, 2);
  complete(next, 2);
  assert.deepEqual(published(next), [[1, "1"]]);
});

test("cuts whose snapshots stay open are forgotten from the oldest on, and the next one covers all", async () => {
  const it = await Harness.open({ isHeld: true });
  for (let number = 1; number <= 9; number++) {
    tell(it, `${number}`);
    barrier(it, number);
  }
  complete(it, 1);
  assert.deepEqual(published(it), []);
  complete(it, 2);
  assert.deepEqual(published(it), [
    [1, "1"],
    [2, "2"],
  ]);
  complete(it, 9);
  assert.equal(published(it).length, 7);
});

test("what is held is on disk alone, counts as unfinished, and is read back in pieces", async () => {
  const it = await Harness.open({ isHeld: true, limits: { outboxBytesInMemory: 300 } });
  const all = Array.from({ length: 20 }, (_, i) => `${i + 1}`);
  for (const text of all) tell(it, text);
  assert.equal(it.partition.unfinished, 20);
  barrier(it, 1);
  complete(it, 1);
  const texts: string[] = [];
  for (let sent = published(it); sent.length > 0; sent = published(it)) {
    assert(sent.length < 20, "all at once");
    for (const [first, ...some] of sent) {
      assert.equal(first, texts.length + 1);
      texts.push(...some.map(String));
    }
    acknowledge(it, texts.length);
  }
  assert.deepEqual([texts, it.partition.unfinished, heldBy(it)], [all, 0, 0]);
});

test("numbers that jump, since a loss was accepted, are not counted as waiting", async () => {
  const it = await Harness.open({ isHeld: true });
  tell(it, "1", "2");
  const next = await it.reopen({ lostEpoch: 9 });
  tell(next, "3");
  const outbox = next.partition.outboxes.get(DESTINATION);
  assert.deepEqual([outbox?.size, outbox?.held], [3, 3]);
});

test("records gather for an egress that has some, until it has taken those", async () => {
  const it = await Harness.open({ limits: { commitLingerMs: 10 } });
  const finish = () => {
    while (it.read !== undefined || it.commit !== undefined) {
      if (it.read !== undefined) it.answerRead();
      else it.completeCommit();
    }
  };
  const tells = (text: string) => {
    it.turn(it.send(at(text), "tell"));
    finish();
    it.reply({ egress: records(text) });
  };
  tells("1");
  assert(it.commit !== undefined);
  finish();
  assert.deepEqual(published(it), [[1, "1"]]);
  tells("2");
  assert.equal(it.commit, undefined);
  it.turn({ kind: "acknowledged", destination: DESTINATION, upTo: 1 });
  assert(it.commit !== undefined);
  finish();
  assert.deepEqual(published(it), [[2, "2"]]);
  tells("3");
  assert.equal(it.commit, undefined);
  it.nowMs += 10;
  it.turn();
  assert(it.commit !== undefined);
  finish();
  assert.deepEqual(published(it), [[3, "3"]]);
});
