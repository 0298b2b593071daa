import assert from "node:assert/strict";
import { test } from "node:test";
import { Mailbox, type Pending, pendingOf } from "../../src/partition/mailbox.ts";
import { at, message } from "./harness.ts";

const ADDRESS = at("a");
const pending = (sequence: number, epoch = 1): Pending =>
  pendingOf(message(`${sequence}`, ADDRESS), sequence, epoch);

/** With room for two messages in its head. */
function filled(count: number): Mailbox {
  const it = new Mailbox(ADDRESS, "a", 2);
  for (let i = 1; i <= count; i++) it.append(pending(i), true);
  return it;
}

const drained = (it: Mailbox): number[] => {
  const sequences: number[] = [];
  for (let next = it.shift(); next !== undefined; next = it.shift()) sequences.push(next.sequence);
  return sequences;
};

function commit(it: Mailbox, epoch: number): void {
  for (const each of it.tail) each.written = true;
  it.spill(epoch);
}

test("messages come out in the order they came in, whatever of them is in memory", () => {
  assert.deepEqual(drained(filled(7)), [1, 2, 3, 4, 5, 6, 7]);
});

test("beyond its bound the rest waits in the tail, which goes to the disk once it is durable", () => {
  const it = filled(5);
  assert.deepEqual([it.head.size, it.tail.size, it.spilledCount], [2, 3, 0]);
  commit(it, 0);
  assert.equal(it.spilledCount, 0, "it is not durable yet");
  commit(it, 1);
  assert.deepEqual([it.head.size, it.tail.size, it.spilledCount], [2, 0, 3]);
  assert.deepEqual([it.spilledFirst, it.spilledLast, it.count], [3, 5, 5]);
});

test("what is not written stays in the tail, and so does everything behind it", () => {
  const it = filled(4);
  const [first, second] = [...it.tail];
  assert(first !== undefined && second !== undefined);
  second.written = true;
  it.spill(9);
  assert.equal(it.tail.size, 2);
  first.written = true;
  it.spill(9);
  assert.equal(it.tail.size, 0);
});

test("spilled mail is wanted when the head is empty, and comes back in order", () => {
  const it = filled(4);
  commit(it, 1);
  it.append(pending(5, 2), true); // behind those on the disk
  assert(!it.needsMail);
  it.shift();
  it.shift();
  assert(it.needsMail);
  it.unspill([pending(3)]);
  assert.equal(it.spilledFirst, 4);
  assert(!it.needsMail);
  it.unspill([pending(4)]);
  assert.deepEqual(drained(it), [3, 4, 5]);
});

test("with nothing on the disk the tail is next in line, up to the bound", () => {
  const it = filled(7);
  it.shift();
  it.shift();
  assert.deepEqual([it.head.size, it.tail.size], [2, 3]);
});

test("without room for bytes everything waits in the tail, until it is next in line", () => {
  const it = new Mailbox(ADDRESS, "a", 2);
  for (let i = 1; i <= 3; i++) it.append(pending(i), false);
  assert.deepEqual([it.head.size, it.tail.size], [0, 3]);
  it.closeGap();
  assert.deepEqual(drained(it), [1, 2, 3]);
});

test("what is taken out is off the account with its bytes", () => {
  const it = filled(1);
  const { bytes } = it;
  const first = it.shift();
  assert.deepEqual([first?.bytes, it.bytes, it.count], [bytes, 0, 0]);
  assert.equal(it.shift(), undefined);
});

test("a delivery that went through ends what was held against the first message", () => {
  const it = filled(1);
  it.deliveries = 4;
  it.failuresAlone = 2;
  it.forgive();
  assert.deepEqual([it.deliveries, it.failuresAlone], [0, 0]);
});
