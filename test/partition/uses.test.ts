import assert from "node:assert/strict";
import { test } from "node:test";
import { type Used, Uses } from "../../src/partition/uses.ts";
import { createRng } from "../support/rng.ts";

interface Item extends Used<Item> {
  readonly name: number;
}

const item = (name: number): Item => ({ name, older: undefined, newer: undefined });

test("the oldest is what was used longest ago, whatever is used and forgotten", () => {
  const rng = createRng(11);
  const items = Array.from({ length: 6 }, (_, name) => item(name));
  const uses = new Uses<Item>();
  let model: Item[] = [];
  for (let i = 0; i < 5_000; i++) {
    const one = rng.pick(items);
    model = model.filter((each) => each !== one);
    if (rng.chance(0.7)) {
      uses.used(one);
      model.push(one);
    } else uses.forget(one);
    assert.equal(uses.oldest, model[0]);
    const found: Item[] = [];
    for (let at = uses.oldest; at !== undefined; at = at.newer) found.push(at);
    assert.deepEqual(
      found.map(({ name }) => name),
      model.map(({ name }) => name),
    );
  }
});

test("what was forgotten keeps nothing alive", () => {
  const [first, second] = [item(1), item(2)];
  const uses = new Uses<Item>();
  uses.used(first);
  uses.used(second);
  uses.forget(first);
  uses.forget(first);
  assert.deepEqual(
    [first.older, first.newer, second.older, uses.oldest],
    [...[undefined, undefined, undefined, second]],
  );
});
