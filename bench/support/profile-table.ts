import type { ProfileSummary, Share } from "./profile.ts";
import { ms, table } from "./table.ts";

const PARTS = 12;
const FUNCTIONS = 16;

/**
 * A summary as two short tables.
 *
 * @param per what the time is divided by: a count and what was counted, such as 200 000 and "timer".
 */
export function profileTables(
  title: string,
  summary: ProfileSummary,
  per?: { readonly count: number; readonly unit: string },
): string {
  const { busyMs, idleMs } = summary;
  const wholeMs = busyMs + idleMs;
  const share = wholeMs === 0 ? 0 : busyMs / wholeMs;
  const head = ["of the busy time", "ms", "%", ...(per === undefined ? [] : [`µs a ${per.unit}`])];
  const rowOf = ({ name, ms: partMs }: Share): string[] => [
    name,
    ms(partMs),
    ((partMs / busyMs) * 100).toFixed(1),
    ...(per === undefined ? [] : [((partMs / per.count) * 1000).toFixed(2)]),
  ];
  const rows = (shares: readonly Share[], most: number): string[][] => {
    const left = shares.slice(most).reduce((sum, each) => sum + each.ms, 0);
    const shown = shares.slice(0, most);
    return [...shown, ...(left > 0 ? [{ name: "all else", ms: left }] : [])].map(rowOf);
  };
  const busy = `${title}: main thread busy ${ms(busyMs)} of ${ms(wholeMs)} ms (${(share * 100).toFixed(0)} %)`;
  return [
    `${busy}\n`,
    table(head, rows(summary.parts, PARTS)),
    "\n",
    table(["function", ...head.slice(1)], rows(summary.functions, FUNCTIONS)),
  ].join("");
}
