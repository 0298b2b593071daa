import assert from "node:assert/strict";
import { test } from "node:test";
import { Epochs, keyText } from "../../src/partition/epochs.ts";
import type { Release } from "../../src/partition/ports.ts";

const key = (text: string) => Buffer.from(text);
const bytes = (text: string) => Buffer.from(text);
const release = (request: number): Release => ({ kind: "unknownCall", request });

test("a reply is not released before its epoch is durable", () => {
  const it = new Epochs(7);
  it.write(key("a"), bytes("1"));
  it.release(release(1));
  assert.deepEqual(it.settle(), []);
  const { epoch, writes } = it.begin();
  assert.deepEqual([epoch, writes.length], [8, 1]);
  assert.deepEqual(it.settle(), []);
  assert.deepEqual(it.complete(8), [release(1)]);
});

test("what is released while a commit runs waits for the next, if it changed something", () => {
  const it = new Epochs(0);
  it.touch();
  it.begin();
  it.write(key("b"), bytes("2"));
  it.release(release(2));
  assert.deepEqual(it.settle(), []);
  assert.deepEqual(it.complete(1), []);
  it.begin();
  assert.deepEqual(it.complete(2), [release(2)]);
});

test("what changed nothing waits for the running commit, which it may tell of, and needs none of its own", () => {
  const it = new Epochs(0);
  it.release(release(1));
  assert.deepEqual(it.settle(), [release(1)]);
  it.touch();
  it.begin();
  it.release(release(2));
  assert.deepEqual(it.settle(), []);
  assert.equal(it.dirtySinceMs, undefined);
  assert.deepEqual(it.complete(1), [release(2)]);
});

test("there is one commit at a time, and only that one can be completed", () => {
  const it = new Epochs(0);
  it.touch();
  it.begin();
  it.touch();
  assert.throws(() => it.begin(), /two commits at once/);
  assert.throws(() => it.complete(2), /an unexpected commit/);
  it.complete(1);
  assert.throws(() => it.complete(2), /an unexpected commit/);
});

test("the number of the epoch being filled is above that of the one being committed", () => {
  const it = new Epochs(4);
  assert.equal(it.current, 5);
  it.touch();
  it.begin();
  assert.equal(it.current, 6);
  it.complete(5);
  assert.equal(it.current, 6);
});

test("an epoch remembers since when it waits, and whether somebody waits for it", () => {
  const it = new Epochs(0);
  it.nowMs = 10;
  it.touch();
  it.nowMs = 20;
  it.touch();
  assert.deepEqual([it.dirtySinceMs, it.isUrgent], [10, false]);
  it.hurry();
  assert(it.isUrgent);
  it.begin();
  assert.deepEqual([it.dirtySinceMs, it.isUrgent], [undefined, false]);
});

test("a visible write is seen until it is durable, the newest first", () => {
  const it = new Epochs(0);
  const text = keyText(key("k"));
  it.writeVisible(key("k"), bytes("old"));
  it.begin();
  assert.deepEqual(it.peek(text), { value: bytes("old") });
  it.writeVisible(key("k"), undefined);
  assert.deepEqual(it.peek(text), { value: undefined });
  it.complete(1);
  assert.deepEqual(it.peek(text), { value: undefined });
  it.begin();
  it.complete(2);
  assert.equal(it.peek(text), undefined);
});

test("a read learns what the store may not have shown it: what was pending, and what came since", () => {
  const it = new Epochs(0);
  it.writeVisible(key("pending"), bytes("1"));
  it.begin();
  it.beginRead(["pending", "later", "quiet"].map((text) => keyText(key(text))));
  it.complete(1);
  it.writeVisible(key("later"), bytes("2"));
  it.begin();
  it.complete(2);
  assert.deepEqual(
    [...it.endRead()].sort(),
    [
      [keyText(key("later")), bytes("2")],
      [keyText(key("pending")), bytes("1")],
    ].sort(),
  );
  assert.throws(() => it.endRead(), /not begun/);
});
