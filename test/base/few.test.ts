import assert from "node:assert/strict";
import { test } from "node:test";
import { Few } from "../../src/base/few.ts";
import { createRng } from "../support/rng.ts";

test("it holds what a Map would, in the same order, however many there are", () => {
  const rng = createRng(5);
  const names = ["a", "b", "c", "d"];
  let few = new Few<number>();
  let model = new Map<string, number>();
  for (let i = 0; i < 5_000; i++) {
    const name = rng.pick(names);
    if (rng.chance(0.5)) {
      few.set(name, i);
      model.set(name, i);
    } else assert.equal(few.delete(name), model.delete(name));
    if (rng.chance(0.01)) [few, model] = [new Few(model), new Map(few)];
    assert.deepEqual([...few], [...model]);
    assert.deepEqual([few.keys(), few.values()], [[...model.keys()], [...model.values()]]);
    assert.equal(few.size, model.size);
    for (const each of names) {
      assert.equal(few.get(each), model.get(each));
      assert.equal(few.has(each), model.has(each));
    }
  }
});

test("a name may be empty, and a value undefined", () => {
  const few = new Few<number | undefined>([["", undefined]]);
  assert.deepEqual([few.size, few.has(""), few.has("a"), few.get("")], [1, true, false, undefined]);
  few.set("a", undefined);
  assert(few.delete(""));
  assert.deepEqual([...few], [["a", undefined]]);
});

test("it may change while it is gone through, and what is gone through does not", () => {
  const few = new Few([
    ["a", 1],
    ["b", 2],
  ]);
  const seen: string[] = [];
  for (const [name] of few) {
    seen.push(name);
    few.delete(name);
  }
  assert.deepEqual([seen, few.size], [["a", "b"], 0]);
});
