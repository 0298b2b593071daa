/** `npm run sim:snapshots -- [--seeds 200] [--from 1]`: many applications with snapshots. Exit 1 when a seed failed. */
import { parseArgs } from "node:util";
import { SNAPSHOT_PATHS, type SnapshotPath, SnapshotPaths } from "./paths.ts";
import { SnapshotWorld } from "./world.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
  },
});
const [from, seeds] = [Number(values.from), Number(values.seeds)];
const all = new SnapshotPaths();
let failed = 0;
for (let seed = from; seed < from + seeds; seed++) {
  const world = new SnapshotWorld(seed);
  try {
    await world.run();
  } catch (error) {
    failed++;
    const detail = error instanceof Error ? error.stack : String(error);
    process.stderr.write(
      `seed ${seed} fails: ${detail}\nagain: npm run sim:snapshots -- --seeds 1 --from ${seed}\n\n`,
    );
  }
  all.add(world.paths);
}
for (const [path, text] of Object.entries(SNAPSHOT_PATHS)) {
  const count = all.counts.get(path as SnapshotPath) ?? 0;
  process.stdout.write(`${String(count).padStart(8)}  ${path.padEnd(22)} ${text}\n`);
}
process.stdout.write(`${seeds} seeds, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
