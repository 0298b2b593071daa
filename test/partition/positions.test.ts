import assert from "node:assert/strict";
import { test } from "node:test";
import { Epochs } from "../../src/partition/epochs.ts";
import { Positions } from "../../src/partition/positions.ts";
import { decodePosition } from "../../src/store/records/position.ts";

test("a position is taken at once, and durable with its epoch", () => {
  const epochs = new Epochs(0);
  const it = new Positions(epochs);
  assert.equal(it.next("s"), undefined);
  it.move("s", 5);
  assert.deepEqual([it.next("s"), it.durable("s")], [5, undefined]);
  it.write();
  const { writes } = epochs.begin();
  assert.deepEqual(decodePosition(writes[0]?.value ?? new Uint8Array()), { source: "s", next: 5 });
  it.move("s", 9); // of the next epoch
  assert.deepEqual([...it.committed()], [["s", 5]]);
  assert.deepEqual([it.next("s"), it.durable("s")], [9, 5]);
});

test("what moved several times in an epoch is written once, and what did not move not at all", () => {
  const epochs = new Epochs(0);
  const it = new Positions(epochs);
  it.restore("quiet", 3);
  it.move("s", 1);
  it.move("s", 2);
  it.write();
  assert.equal(epochs.begin().writes.length, 1);
  assert.equal(it.durable("quiet"), 3);
});
