import assert from "node:assert/strict";
import { test } from "node:test";
import { Heap } from "../../src/base/heap.ts";
import { createRng } from "../support/rng.ts";

const numbers = () => new Heap<number>((a, b) => a < b);

test("the smallest comes out first, whatever the order they came in", () => {
  const rng = createRng(1);
  for (let round = 0; round < 200; round++) {
    const items = Array.from({ length: rng.int(50) }, () => rng.int(20));
    const heap = numbers();
    for (const item of items) heap.push(item);
    const sorted = [...items].sort((a, b) => a - b);
    assert.equal(heap.peek(), sorted[0]);
    const out = items.map(() => heap.pop());
    assert.deepEqual(out, sorted);
    assert.equal(heap.pop(), undefined);
  }
});

test("what comes and goes in between does not disturb the order", () => {
  const rng = createRng(2);
  const heap = numbers();
  const model: number[] = [];
  for (let i = 0; i < 3_000; i++) {
    if (rng.chance(0.6)) {
      const item = rng.int(1_000);
      heap.push(item);
      model.push(item);
      model.sort((a, b) => a - b);
    } else {
      assert.equal(heap.pop(), model.shift());
    }
    assert.equal(heap.size, model.length);
  }
});

test("drain takes everything out, in order", () => {
  const heap = numbers();
  for (const item of [3, 1, 2, 1]) heap.push(item);
  assert.deepEqual(heap.drain(), [1, 1, 2, 3]);
  assert.equal(heap.size, 0);
});
