import { aimLines, ratioOf } from "../support/ratio.ts";
import { count, median, ms, times } from "../support/table.ts";
import { type Spent, spentBy, type Watched } from "../support/watch.ts";
import type { KafkaLoadResult } from "./load.ts";
import { COPY, EXACTLY, LEAST, OFFICIAL, OWN, STATEFUN } from "./subjects.ts";

/** One round of one subject. */
export interface Round extends KafkaLoadResult {
  readonly spent: readonly Spent[];
  readonly machineLoad: number;
}

export type Rounds = ReadonlyMap<string, readonly Round[]>;

const PROCESSES = ["CPU µs", "functions CPU µs", "broker CPU µs", "peak MiB", "lost or twice"];

export const STEADY_HEAD = [
  ...["topic to topic", "records/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms"],
  ...["p50 to copy", "p99 to copy", "p99 to StateFun", ...PROCESSES],
];

export const DRAIN_HEAD = ["backlog", "records", "records/s", "to StateFun", ...PROCESSES];

export function cpuUsOf({ spent, records }: Round, role: Watched["role"]): number {
  return (spentBy(spent, role).cpuMs / records) * 1000;
}

export const peakOf = ({ spent }: Round): number => spentBy(spent, "runtime").peakBytes;
export const rateOf = ({ records, lost, tookMs }: Round): number =>
  ((records - lost) / tookMs) * 1000;

export function steadyRow(name: string, perSecond: number, rounds: Rounds): string[] {
  const found = rounds.get(name) ?? [];
  const middle = (pick: (round: Round) => number): number => median(found.map(pick));
  return [
    name,
    count(perSecond),
    ms(middle((round) => round.p50Ms)),
    ms(middle((round) => round.p99Ms)),
    ms(middle((round) => round.p999Ms)),
    ms(Math.max(...found.map((round) => round.maxMs))),
    times(ratioOf(rounds, name, `${COPY}${EXACTLY}`, (round) => round.p50Ms)),
    times(ratioOf(rounds, name, `${COPY}${EXACTLY}`, (round) => round.p99Ms)),
    times(ratioOf(rounds, name, peerOf(name), (round) => round.p99Ms)),
    ...processCells(found),
  ];
}

export function drainRow(name: string, rounds: Rounds): string[] {
  const found = rounds.get(name) ?? [];
  return [
    name,
    count(median(found.map(({ records }) => records))),
    count(median(found.map(rateOf))),
    times(ratioOf(rounds, name, peerOf(name), rateOf)),
    ...processCells(found),
  ];
}

/** With the same guarantee. */
export function peerOf(name: string): string {
  return `${STATEFUN}${name.endsWith(LEAST) ? LEAST : EXACTLY}`;
}

function processCells(found: readonly Round[]): string[] {
  const middle = (pick: (round: Round) => number): number => median(found.map(pick));
  return [
    count(middle((round) => cpuUsOf(round, "runtime"))),
    count(middle((round) => cpuUsOf(round, "functions"))),
    count(middle((round) => cpuUsOf(round, "broker"))),
    count(middle(peakOf) / 2 ** 20),
    count(found.reduce((sum, { lost, twice }) => sum + lost + twice, 0)),
  ];
}

/** What the project set itself, as lines; nothing where there is nothing beside it. */
export function drainAims(rounds: Rounds): string[] {
  const [own, official] = [`${OWN}${EXACTLY}`, `${OFFICIAL}${EXACTLY}`];
  const peer = `${STATEFUN}${EXACTLY}`;
  const cpu = (round: Round): number => cpuUsOf(round, "runtime");
  return [
    ...aimLines(
      `${official}, records/s to StateFun's, at least 2`,
      ratioOf(rounds, official, peer, rateOf),
      (x) => x >= 2,
    ),
    ...aimLines(
      `${own}, records/s to StateFun's, at least 5`,
      ratioOf(rounds, own, peer, rateOf),
      (x) => x >= 5,
    ),
    ...aimLines(
      `${official}, CPU a record to StateFun's, at most 0.33`,
      ratioOf(rounds, official, peer, cpu),
      (x) => x <= 1 / 3,
    ),
    ...aimLines(
      `${official}, memory to StateFun's, at most 0.33`,
      ratioOf(rounds, official, peer, peakOf),
      (x) => x <= 1 / 3,
    ),
  ];
}

export function steadyAims(perSecond: number, rounds: Rounds): string[] {
  if (perSecond !== 1_000) return [];
  const [name, peer] = [`${OFFICIAL}${EXACTLY}`, `${STATEFUN}${EXACTLY}`];
  const found = ratioOf(rounds, name, peer, (round) => round.p99Ms);
  return aimLines(`${name}, p99 to StateFun's at 1 000/s, at most 0.05`, found, (x) => x <= 0.05);
}
