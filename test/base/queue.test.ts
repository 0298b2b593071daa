import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Queue } from "../../src/base/queue.ts";
import { createRng } from "../support/rng.ts";

test("what came first goes first, over any number of them", () => {
  const rng = createRng(3);
  const queue = new Queue<number>();
  const model: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    if (rng.chance(i < 10_000 ? 0.6 : 0.4)) {
      queue.push(i);
      model.push(i);
    } else {
      assert.equal(queue.shift(), model.shift());
    }
    assert.equal(queue.size, model.length);
    assert.equal(queue.peek(), model[0]);
    assert.equal(queue.last(), model.at(-1));
    assert.equal(queue.at(3), model[3]);
  }
  assert.deepEqual([...queue], model);
});

test("take empties it, front first", () => {
  const queue = new Queue<number>();
  for (const item of [1, 2, 3]) queue.push(item);
  queue.shift();
  assert.deepEqual(queue.take(), [2, 3]);
  assert.equal(queue.size, 0);
  queue.push(4);
  assert.deepEqual([...queue], [4]);
});

test("an empty queue has nothing to give", () => {
  const queue = new Queue<number>();
  assert.deepEqual(
    [queue.shift(), queue.peek(), queue.last(), queue.at(0), queue.take()],
    [undefined, undefined, undefined, undefined, []],
  );
});

test("what has gone is not kept alive by what is still in line", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const queue = new Queue<object>();
  const refs: WeakRef<object>[] = [];
  for (let i = 0; i < 3; i++) {
    const item = { payload: new Uint8Array(1_000) };
    refs.push(new WeakRef(item));
    queue.push(item);
  }
  queue.shift();
  await setImmediate(); // a WeakRef holds its object until the end of the job that made it
  collect();
  assert.deepEqual(
    refs.map((ref) => ref.deref() !== undefined),
    [false, true, true],
  );
  assert.equal(queue.size, 2);
});
