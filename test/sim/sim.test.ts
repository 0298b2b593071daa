import assert from "node:assert/strict";
import { test } from "node:test";
import { again, runSeeds } from "./run-seeds.ts";
import { World } from "./world.ts";

const SEEDS = 260;

test(`${SEEDS} simulated nodes keep every invariant, drain, and take every rare path`, async () => {
  const totals = await runSeeds({ from: 1, count: SEEDS, maxFailures: 1 });
  for (const { seed, detail } of totals.failures) {
    assert.fail(`seed ${seed} fails; again: ${again(seed)}\n${detail}`);
  }
  assert.deepEqual(totals.missing(), [], "paths that no seed takes");
});

test("the same seed replays the same run", async () => {
  // One without Kafka, and one with it.
  for (const seed of [7, 13]) {
    const first = await new World(seed).run();
    assert.deepEqual(await new World(seed).run(), first);
  }
});
