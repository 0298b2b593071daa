import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../../support/rng.ts";
import { drawKills, VICTIMS } from "./storm.ts";

test("the kills of a seed are the same each time, as many of each kind as asked for, within the orders", () => {
  const drawn = drawKills(createRng(7), 20, 1_000);
  assert.deepEqual(drawn, drawKills(createRng(7), 20, 1_000));
  assert.notDeepEqual(drawn, drawKills(createRng(8), 20, 1_000));
  for (const victim of VICTIMS) {
    assert.equal(drawn.filter((kill) => kill.victim === victim).length, 20);
  }
  const counts = drawn.map(({ atCount }) => atCount);
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
  );
  assert(counts.every((count) => count < 1_000));
});
