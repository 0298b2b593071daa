import assert from "node:assert/strict";
import { test } from "node:test";
import { Chain, type Linked } from "../../src/base/chain.ts";
import { createRng } from "../support/rng.ts";

interface Item extends Linked<Item> {
  readonly name: number;
}

const item = (name: number): Item => ({ name, before: undefined, after: undefined });

test("the first is what was appended longest ago, whatever is appended again and removed", () => {
  const rng = createRng(11);
  const items = Array.from({ length: 6 }, (_, name) => item(name));
  const chain = new Chain<Item>();
  let model: Item[] = [];
  for (let i = 0; i < 5_000; i++) {
    const one = rng.pick(items);
    model = model.filter((each) => each !== one);
    if (rng.chance(0.7)) {
      chain.append(one);
      model.push(one);
    } else chain.remove(one);
    assert.equal(chain.first, model[0]);
    const found: Item[] = [];
    for (let at = chain.first; at !== undefined; at = at.after) found.push(at);
    assert.deepEqual(
      found.map(({ name }) => name),
      model.map(({ name }) => name),
    );
  }
});

test("what was removed keeps nothing alive", () => {
  const [first, second] = [item(1), item(2)];
  const chain = new Chain<Item>();
  chain.append(first);
  chain.append(second);
  chain.remove(first);
  chain.remove(first);
  assert.deepEqual(
    [first.before, first.after, second.before, chain.first],
    [...[undefined, undefined, undefined, second]],
  );
});
