import assert from "node:assert/strict";
import { test } from "node:test";
import { OrderedMap } from "../../src/store/ordered-map.ts";
import { createRng } from "../support/rng.ts";

test("it holds what a plain map holds, in order, while it grows and shrinks", () => {
  const rng = createRng(1);
  const map = new OrderedMap<number>();
  const model = new Map<string, number>();
  const check = (): void => {
    const inOrder = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
    assert.deepEqual([...map.range("")], inOrder);
    assert.equal(map.size, model.size);
  };
  for (const deletes of [0.1, 0.9]) {
    for (let i = 0; i < 20_000; i++) {
      const key = String(rng.int(8000)).padStart(4, "0");
      if (rng.chance(deletes)) {
        map.delete(key);
        model.delete(key);
      } else {
        map.set(key, i);
        model.set(key, i);
      }
      const asked = String(rng.int(8000)).padStart(4, "0");
      assert.equal(map.get(asked), model.get(asked));
    }
    check();
  }
  for (const key of rng.shuffle([...model.keys()])) {
    map.delete(key);
    model.delete(key);
  }
  check();
  map.set("again", 1);
  assert.deepEqual([...map.range("a", "b")], [1]);
});

test("a range begins at its first and ends before its last key", () => {
  const map = new OrderedMap<number>();
  for (let i = 0; i < 2000; i++) map.set(String.fromCharCode(i), i);
  const range = (from: number, until: number): number[] => [
    ...map.range(String.fromCharCode(from), String.fromCharCode(until)),
  ];
  assert.deepEqual(range(1000, 1003), [1000, 1001, 1002]);
  assert.equal(range(0, 2000).length, 2000);
  assert.deepEqual(range(5, 5), []);
  assert.deepEqual(range(9, 5), []);
  assert.deepEqual([...map.range("\uffff")], []);
});
