import assert from "node:assert/strict";
import { test } from "node:test";
import { SnapshotPaths } from "./paths.ts";
import { SnapshotWorld } from "./world.ts";

const SEEDS = 10;

test(`${SEEDS} applications keep every token through crashes, lost disks and other owners`, async () => {
  const paths = new SnapshotPaths();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new SnapshotWorld(seed);
    try {
      await world.run();
    } catch (error) {
      const again = `npm run sim:snapshots -- --seeds 1 --from ${seed}`;
      assert.fail(`seed ${seed} fails; again: ${again}\n${(error as Error).stack}`);
    }
    paths.add(world.paths);
  }
  assert.deepEqual(paths.missing, [], "paths that no seed takes");
});

test("the same seed replays the same lives", async () => {
  const [one, other] = [new SnapshotWorld(5), new SnapshotWorld(5)];
  await one.run();
  await other.run();
  assert.deepEqual(one.outcome, other.outcome);
});
