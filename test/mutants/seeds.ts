/**
 * A process that runs simulated nodes, one seed after the other, until one fails. It tells its parent
 * each seed before it begins, so that one which never ends is noticed.
 */
import { setImmediate } from "node:timers/promises";
import { SnapshotWorld } from "../sim/snapshots/world.ts";
import { World } from "../sim/world.ts";
import type { Report } from "./trial.ts";

const [from = 1, seeds = 1] = process.argv.slice(2, 4).map(Number);
const isOfSnapshots = process.argv[4] === "snapshots";
const tell = (report: Report) => process.send?.(report);

process.on("disconnect", () => process.exit());

for (let seed = from; seed < from + seeds; seed++) {
  tell({ kind: "begun", seed });
  try {
    if (isOfSnapshots) await new SnapshotWorld(seed).run();
    else await new World(seed).run();
  } catch (error) {
    tell({ kind: "failed", reason: firstLineOf(error) });
    break;
  }
  await setImmediate(); // a run never lets go of its thread: here the parent's end is noticed
}
process.disconnect?.();

function firstLineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.split("\n")[0] ?? "";
  return line.replaceAll(/\p{Cc}/gu, "·"); // ids hold everything
}
