import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChannelInput, Input } from "../../src/partition/ports.ts";
import { keyOf } from "../../src/store/keys.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import { at, EGRESS, Harness, idIn, message, textOf, value } from "./harness.ts";

/** One of two partitions; the other is played by the test. */
const open = () => Harness.open({ partitionCount: 2 });
const HERE = idIn(0, 2);
const THERE = idIn(1, 2);

const barrier = (number: number): Input => ({ kind: "barrier", barrier: number });

/** From the other partition, which has cut at `number`. */
const batch = (first: number, number: number, ...ids: readonly string[]): ChannelInput => ({
  ...{ kind: "channel", from: 1, first, since: 1, barrier: number },
  messages: ids.map((id) => message(id, at(HERE))),
});

const acknowledged = (upTo: number, number: number): Input => ({
  ...{ kind: "acknowledged", destination: "partition/1", upTo, barrier: number },
});

const storedBarrier = ({ disk }: Harness): number => {
  const [meta] = disk.read([keyOf("meta")]);
  return meta === undefined ? -1 : decodeMeta(meta).barrier;
};

/** An address here has sent this to one of the other partition, durably. */
function sendAcross(it: Harness, text: string): void {
  it.settle(it.send(at(HERE), "go"));
  it.reply({ messages: [{ target: at(THERE), value: value(text) }] });
  it.settle();
}

const mailOf = (it: Harness): readonly string[] =>
  [...(it.partition.mailboxes.get(`test/function/${HERE}`)?.head ?? [])].map((pending) =>
    textOf(pending.message.value),
  );

test("a barrier ends the epoch, and the cut is taken when that is durable", async () => {
  const it = await open();
  const turn = it.turn(it.send(at(HERE), "before"), barrier(7));
  assert.equal(turn.cut, undefined);
  assert.equal(it.partition.barrier.number, 0);
  const { cut } = it.completeCommit();
  assert.deepEqual([cut?.barrier, cut?.epoch], [7, it.disk.epoch]);
  assert.equal(storedBarrier(it), 7);
  assert.equal(it.stored("mail").length, 1);
});

test("with nothing to commit the number alone is committed, once", async () => {
  const it = await open();
  it.turn(barrier(1));
  assert.deepEqual(
    it.commit?.writes.map(({ key }) => Buffer.from(key).toString()),
    ["A"],
  );
  assert.equal(it.completeCommit().cut?.barrier, 1);
  assert.equal(it.commit, undefined);
  assert.equal(it.partition.epochs.dirtySinceMs, undefined);
});

test("a number that is not greater than the last is ignored", async () => {
  const it = await open();
  it.settle(barrier(5));
  for (const number of [5, 4, 0]) {
    it.turn(barrier(number));
    assert.equal(it.commit, undefined);
  }
});

test("while a commit is running the next one holds the number", async () => {
  const it = await open();
  it.turn(it.send(at(HERE), "1"));
  it.turn(it.send(at(HERE), "2"), barrier(1));
  const first = it.completeCommit();
  assert.equal(first.cut, undefined);
  assert.equal(it.completeCommit().cut?.barrier, 1);
});

test("of several numbers wanted at once the greatest is cut at, and no other", async () => {
  const it = await open();
  it.turn(barrier(1), barrier(4), barrier(3));
  assert.equal(it.completeCommit().cut?.barrier, 4);
  assert.equal(it.commit, undefined);
});

test("one that comes while the commit of a cut is running is a cut of its own", async () => {
  const it = await open();
  it.turn(barrier(1));
  it.turn(barrier(2));
  assert.equal(it.completeCommit().cut?.barrier, 1);
  assert.equal(it.completeCommit().cut?.barrier, 2);
});

test("a batch of a higher number is taken after the cut that it forces, others are not held up", async () => {
  const it = await open();
  it.turn(batch(1, 3, "held"), it.send(at(HERE), "not held"));
  assert.deepEqual(mailOf(it), ["not held"]);
  assert.equal(it.partition.barrier.held, 1);
  const { cut } = it.completeCommit();
  assert.equal(cut?.barrier, 3);
  assert.deepEqual(
    it.stored("mail").length,
    1,
    "what was held is in the next epoch, and not on the disk yet",
  );
  it.settle();
  assert.deepEqual(mailOf(it), ["not held", "held"]);
});

test("what is held is taken in order, as far as its number allows", async () => {
  const it = await open();
  it.turn(batch(1, 1, "a"), batch(2, 1, "b"), batch(3, 2, "c"));
  it.turn(batch(4, 2, "d"));
  it.take("resume"); // of its opening
  const [first, second] = [it.completeCommit().cut, it.completeCommit().cut];
  it.settle();
  assert.deepEqual(mailOf(it), ["a", "b", "c", "d"]);
  assert.deepEqual(it.take("resume"), [], "nothing had to be sent again");
  assert.deepEqual([first?.barrier, second?.barrier], [2, undefined]);
});

test("an acknowledgement of a higher number deletes after the cut, not before", async () => {
  const it = await open();
  sendAcross(it, "x");
  it.turn(acknowledged(1, 1));
  it.completeCommit();
  assert.equal(it.stored("outbox").length, 1, "the cut holds it as sent");
  it.settle();
  assert.equal(it.stored("outbox").length, 0);
});

test("a resume of a higher number is held too, and then answered", async () => {
  const it = await open();
  sendAcross(it, "x");
  it.take("channel");
  it.turn({ kind: "resume", destination: "partition/1", next: 1, barrier: 2 });
  assert.deepEqual(it.take("channel"), []);
  it.completeCommit();
  assert.deepEqual(
    it.take("channel").map(({ barrier: number }) => number),
    [2],
  );
});

test("what the cut's commit made durable is told with the number before, what comes later with the new one", async () => {
  const it = await open();
  it.settle(it.send(at(HERE), "go"));
  it.turn(batch(1, 0, "m"), barrier(9));
  it.reply({ messages: [{ target: at(THERE), value: value("in the cut or after it") }] });
  it.completeCommit();
  assert.deepEqual(
    it.take("acknowledge").map((each) => each.barrier),
    [0],
  );
  it.completeCommit();
  assert.deepEqual(
    it.take("channel").map((each) => each.barrier),
    [9],
  );
});

test("what is sent again after a cut is told with its number", async () => {
  const it = await open();
  sendAcross(it, "x");
  it.settle(barrier(2));
  it.take("channel");
  it.settle({ kind: "resume", destination: "partition/1", next: 1, barrier: 0 });
  assert.deepEqual(
    it.take("channel").map((each) => each.barrier),
    [2],
  );
});

test("a batch that comes again after a cut is acknowledged with its number", async () => {
  const it = await open();
  it.settle(batch(1, 0, "m"));
  it.settle(barrier(4));
  it.take("acknowledge");
  it.settle(batch(1, 0, "m"), batch(9, 0, "gap"));
  assert.deepEqual(
    [...it.take("acknowledge"), ...it.take("resume").slice(-1)].map((each) => each.barrier),
    [4, 4],
  );
});

test("the number survives a crash, and peers are greeted with it", async () => {
  const it = await open();
  it.settle(barrier(3));
  const next = await it.reopen();
  assert.equal(next.partition.barrier.number, 3);
  assert.deepEqual(
    next.take("resume").map((each) => each.barrier),
    [3],
  );
  next.settle(barrier(3));
  assert.equal(next.take("acknowledge").length, 0);
});

test("a crash before the commit that holds it leaves the number before", async () => {
  const it = await open();
  it.turn(barrier(3));
  const next = await it.reopen();
  assert.equal(next.partition.barrier.number, 0);
});

test("a crash behind that commit leaves no cut, and the next number is cut at", async () => {
  const it = await open();
  it.turn(barrier(3));
  const next = await it.reopen({ applied: true });
  assert.equal(next.partition.barrier.number, 3);
  next.turn(barrier(3));
  assert.equal(next.commit, undefined);
  next.turn(barrier(4));
  assert.equal(next.completeCommit().cut?.barrier, 4);
});

test("what is held back counts as unfinished", async () => {
  const it = await Harness.open({ partitionCount: 2, limits: { unfinishedMessages: 2 } });
  it.turn(batch(1, 1, "a", "b"));
  assert(it.partition.isFull);
  it.settle();
  assert.equal(it.partition.ledger.mail, 2);
  assert.deepEqual(it.partition.barrier.heldWeight.messages, 0);
});

test("records of a topic log that has cut wait for the cut, those of one that has not do not", async () => {
  const it = await open();
  const run = (first: number, number?: number): Input => ({
    ...{ kind: "source", source: "log/ns/in/t/0", first, next: first + 1, barrier: number },
    records: [
      {
        position: first,
        messages: [
          { target: at(HERE), value: value(`r${first}`), headers: [], traceparent: undefined },
        ],
      },
    ],
  });
  it.settle(run(0));
  it.turn(run(1, 4), run(2, 4));
  assert.equal(it.partition.barrier.held, 2);
  assert.equal(it.partition.positions.next("log/ns/in/t/0"), 1);
  const { cut } = it.completeCommit();
  assert.equal(cut?.barrier, 4);
  assert.equal(it.partition.positions.durable("log/ns/in/t/0"), 1, "it is not in the cut");
  assert.equal(it.partition.positions.next("log/ns/in/t/0"), 3);
  it.settle();
  assert.equal(it.partition.barrier.held, 0);
});

test("what goes to an egress carries the number of the last cut", async () => {
  const it = await open();
  it.settle(barrier(6));
  it.settle(it.send(at(HERE), "go"));
  it.reply({ egress: [{ egress: EGRESS, value: value("out") }] });
  it.settle();
  assert.deepEqual(
    it.take("publish").map((release) => release.barrier),
    [6],
  );
});
