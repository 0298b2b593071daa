import { livesOf, megabytes, page } from "../report.ts";
import { median } from "../samples.ts";
import type { KafkaResult } from "./run.ts";

/** Stretches of time of which the memory is told. */
const STRETCHES = 10;

export function kafkaReport(result: KafkaResult): string {
  const { subjects, writer, tail, watch, violations } = result;
  const lines: [string, string][] = subjects.map((each) => [each.name, livesOf(each)]);
  const ofFunctions = subjects.filter(({ name }) => name === "counters" || name === "mirrors");
  const { committed, aborted } = watch.transactions;
  lines.push(
    ["kills of functions", String(ofFunctions.reduce((sum, { kills }) => sum + kills, 0))],
    ["the zombie", result.zombie],
    ["records in", `${result.orders}, and ${writer.aborted} more that were aborted`],
    ["messages handled", `${result.written}, and as many records out`],
    [
      "transactions",
      `${committed} committed, ${aborted} aborted, as last seen of each life; time-out ${result.transactionTimeout}`,
    ],
    ["duration", `${seconds(result.durationMs)}, of which ${seconds(result.drainMs)} to drain`],
    [
      "longest standstill",
      `${seconds(tail.longestStandstillMs)}, until ${seconds(tail.longestEndedAtMs)}`,
    ],
    ["RSS over time", overTime(watch.rssBytes).map(megabytes).join(", ")],
    ["descriptors over time", overTime(watch.descriptors).join(", ")],
  );
  return page(lines, subjects, violations);
}

/** The median of each stretch. */
function overTime(values: readonly number[]): number[] {
  const length = Math.ceil(values.length / STRETCHES);
  if (length === 0) return [];
  return Array.from({ length: Math.ceil(values.length / length) }, (_, i) =>
    median(values.slice(i * length, (i + 1) * length)),
  );
}

const seconds = (elapsedMs: number): string => `${(elapsedMs / 1000).toFixed(1)} s`;
