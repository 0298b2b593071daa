/** What came of a run with snapshots, in words. */
import type { SnapshotsResult } from "./run.ts";

export function snapshotsReport(result: SnapshotsResult): string {
  const { subjects, losses, orders, written, durationMs, violations } = result;
  const lines = [
    `${(durationMs / 1_000).toFixed(0)} s, ${orders} orders, ${written} records came of them`,
    ...losses.map(({ counted, partitions, isStoreKilled }, i) => {
      const with_ = isStoreKilled ? ", the S3 server killed as well" : "";
      return `disk ${i + 1} lost when ${counted} orders had left; then ${partitions} partitions${with_}`;
    }),
    ...subjects.map(({ name, starts, kills, recoverMs }) => {
      const longest = recoverMs.length === 0 ? "" : `, ready again after ${secondsOf(recoverMs)}`;
      return `${name}: ${starts} starts, ${kills} kills${longest}`;
    }),
    ...violations.slice(0, 50),
    violations.length === 0 ? "Everything came out exact." : `${violations.length} violations`,
  ];
  return `${lines.join("\n")}\n`;
}

function secondsOf(all: readonly number[]): string {
  const [first = 0, last = 0] = [Math.min(...all), Math.max(...all)];
  return `${(first / 1_000).toFixed(1)} to ${(last / 1_000).toFixed(1)} s`;
}
