/** What the torture's functions receive and write, shared with the load and the account. */

/** Where an Add came from, and how. */
export const SOURCES = ["send", "keyed send", "call", "keyed call", "topic"] as const;
export type Source = (typeof SOURCES)[number];

export interface Add {
  readonly source: Source;
  /** Ascending from 1, for each counter and source. */
  readonly n: number;
}

/** Topic `added`, keyed by the counter's id; and what is told to the mirrors. */
export interface Added extends Add {
  readonly id: string;
  /** What the counter has counted, this one included. */
  readonly total: number;
}

/** Topic `heard`, keyed by the mirror's id. */
export interface Heard {
  readonly mirror: string;
  readonly id: string;
  readonly total: number;
  /** What the mirror has heard, this one included. */
  readonly heard: number;
}

/** Topic `rung`: a message that the counter sent to itself, later. */
export interface Rung {
  readonly id: string;
  readonly total: number;
  /** By the clock of the process that scheduled it. */
  readonly dueAtMs: number;
  readonly atMs: number;
}

/** The state of a ledger: how many messages of each mirror it was told, and how many out of turn. */
export interface Tallies {
  readonly heard: Readonly<Record<string, number>>;
  readonly outOfTurn: number;
}

export const COUNTERS = 16;
export const LEDGERS = 3;

/** Mirrors that each counter tells, by their distance from it: in other partitions, mostly. */
const NEIGHBOURS = [1, 6];

export const COUNTER_IDS: readonly string[] = Array.from({ length: COUNTERS }, (_, i) => `c${i}`);

export function neighboursOf(id: string): string[] {
  return NEIGHBOURS.map((step) => `c${(indexOf(id) + step) % COUNTERS}`);
}

export function ledgerOf(mirror: string): string {
  return `l${indexOf(mirror) % LEDGERS}`;
}

/** From at once to 1.5 s. */
export function delayOf(total: number): number {
  return (total * 271) % 1500;
}

function indexOf(id: string): number {
  return Number(id.slice(1));
}
