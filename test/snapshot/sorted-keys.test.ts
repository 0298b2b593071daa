import assert from "node:assert/strict";
import { test } from "node:test";
import { sortedKeys } from "../../src/snapshot/sorted-keys.ts";
import { createRng } from "../support/rng.ts";

test("keys of several sets come in order, each once, however many there are", async () => {
  const rng = createRng(1);
  for (const [sets, count] of [
    [0, 0],
    [1, 5],
    [2, 10],
    [3, 5_000],
    [1, 9_000],
  ] as const) {
    const all = Array.from({ length: sets }, () => {
      return new Set(Array.from({ length: count }, () => `k${rng.int(20_000)}`));
    });
    const expected = [...new Set(all.flatMap((set) => [...set]))].sort();
    assert.deepEqual(await sortedKeys(all), expected);
  }
});

test("others have their turn meanwhile", async () => {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await sortedKeys([new Set(Array.from({ length: 50_000 }, (_, i) => `${i * 7919}`))]);
  isOver = true;
  assert(turns > 20, `${turns} turns`);
});
