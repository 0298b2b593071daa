import type { LoadResult } from "../support/load.ts";
import { aimLines, ratioOf } from "../support/ratio.ts";
import { count, median, ms, times } from "../support/table.ts";
import { type Spent, spentBy } from "../support/watch.ts";
import {
  FUNCTION,
  OFFICIAL_PROXY,
  OFFICIAL_STATEFOLD,
  PROXY,
  RESTATE,
  STATEFOLD,
} from "./subjects.ts";

/** One round of one subject. */
export interface Round extends LoadResult {
  readonly spent: readonly Spent[];
  readonly machineLoad: number;
}

export type Rounds = ReadonlyMap<string, readonly Round[]>;

export const HEAD = [
  ...["call", "connections", "calls/s", "to the function", "to the proxy", "to Restate"],
  ...["p50 ms", "p99 ms", "p99.9 ms", "CPU µs", "functions CPU µs", "load CPU µs"],
  ...["peak MiB", "functions peak MiB", "errors"],
];

export function rowsOf(connections: number, rounds: Rounds): string[][] {
  return [...rounds].map(([name, found]) => {
    const middle = (pick: (round: Round) => number): number => median(found.map(pick));
    const perSecond = (round: Round): number => round.perSecond;
    const cpuUs = (role: "runtime" | "functions"): string =>
      count(middle((each) => (spentBy(each.spent, role).cpuMs / each.answers) * 1000));
    const peak = (role: "runtime" | "functions"): string =>
      count(middle((each) => spentBy(each.spent, role).peakBytes) / 2 ** 20);
    const errors = found.reduce((sum, each) => sum + each.errors, 0);
    const firstError = found.find((each) => each.firstError !== undefined)?.firstError ?? "";
    return [
      name,
      String(connections),
      count(middle(perSecond)),
      ...[FUNCTION, PROXY, RESTATE].map((other) => times(ratioOf(rounds, name, other, perSecond))),
      ms(middle((each) => each.p50Ms)),
      ms(middle((each) => each.p99Ms)),
      ms(middle((each) => each.p999Ms)),
      cpuUs("runtime"),
      cpuUs("functions"),
      count(middle((each) => (each.cpuMs / each.answers) * 1000)),
      peak("runtime"),
      peak("functions"),
      errors === 0 ? "0" : `${errors}: ${firstError.replaceAll(/\s+/g, " ").slice(0, 100)}`,
    ];
  });
}

const perSecond = (round: Round): number => round.perSecond;
const p50Ms = (round: Round): number => round.p50Ms;
const p99Ms = (round: Round): number => round.p99Ms;

interface Aim {
  readonly connections: number;
  readonly what: string;
  readonly name: string;
  readonly other: string;
  readonly pick: (round: Round) => number;
  readonly isMet: (ratio: number) => boolean;
}

/** What the project set itself. */
const AIMS: readonly Aim[] = [
  {
    ...{ connections: 256, what: "throughput to the proxy's, at least 1.75", pick: perSecond },
    ...{ name: STATEFOLD, other: PROXY, isMet: (found) => found >= 1.75 },
  },
  {
    ...{ connections: 256, what: "p99 to the proxy's, below 1", pick: p99Ms },
    ...{ name: STATEFOLD, other: PROXY, isMet: (found) => found < 1 },
  },
  {
    ...{ connections: 256, what: "throughput to the function's, at least 0.6", pick: perSecond },
    ...{ name: STATEFOLD, other: FUNCTION, isMet: (found) => found >= 0.6 },
  },
  {
    ...{ connections: 256, what: "throughput to Restate's, at least 12", pick: perSecond },
    ...{ name: STATEFOLD, other: RESTATE, isMet: (found) => found >= 12 },
  },
  {
    ...{ connections: 256, what: "p99 to Restate's, at most 0.1", pick: p99Ms },
    ...{ name: STATEFOLD, other: RESTATE, isMet: (found) => found <= 0.1 },
  },
  {
    ...{ connections: 1, what: "p50 to Restate's, at most 0.17", pick: p50Ms },
    ...{ name: STATEFOLD, other: RESTATE, isMet: (found) => found <= 1 / 6 },
  },
  {
    ...{ connections: 256, what: "throughput to the proxy's, at least 0.7", pick: perSecond },
    ...{ name: OFFICIAL_STATEFOLD, other: OFFICIAL_PROXY, isMet: (found) => found >= 0.7 },
  },
];

/** A line for each aim of so many connections. */
export function callAims(connections: number, rounds: Rounds): string[] {
  return AIMS.filter((aim) => aim.connections === connections).flatMap((aim) => {
    const found = ratioOf(rounds, aim.name, aim.other, aim.pick);
    return aimLines(`${aim.name}, ${connections} connections, ${aim.what}`, found, aim.isMet);
  });
}
