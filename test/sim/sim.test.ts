import assert from "node:assert/strict";
import { test } from "node:test";
import { again, runSeeds } from "./run-seeds.ts";
import { World } from "./world.ts";

const SEEDS = 260;
/** Takes a path that none of those does: a marker that has expired is missed. */
const RARE = 1957;

test(`${SEEDS} simulated nodes keep every invariant, drain, and take every rare path`, async () => {
  const many = await runSeeds({ from: 1, count: SEEDS, maxFailures: 1 });
  const rare = await runSeeds({ from: RARE, count: 1, maxFailures: 1 });
  for (const { seed, detail } of [...many.failures, ...rare.failures]) {
    assert.fail(`seed ${seed} fails; again: ${again(seed)}\n${detail}`);
  }
  const missing = many.missing().filter((path) => rare.missing().includes(path));
  assert.deepEqual(missing, [], "paths that no seed takes");
});

test("the same seed replays the same run", async () => {
  // One without Kafka, and one with it.
  for (const seed of [7, 13]) {
    const first = await new World(seed).run();
    assert.deepEqual(await new World(seed).run(), first);
  }
});
