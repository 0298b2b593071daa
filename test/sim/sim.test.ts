import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./world.ts";

const SEEDS = 300;

test(`${SEEDS} simulated nodes keep every invariant and drain`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await new World(seed).run();
    } catch (cause) {
      throw new Error(`seed ${seed} fails; again: npm run sim -- --seeds 1 --from ${seed}`, {
        cause,
      });
    }
  }
});

test("the same seed replays the same run", async () => {
  const first = await new World(7).run();
  assert.deepEqual(await new World(7).run(), first);
});
