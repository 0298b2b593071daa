/** What the functions between the topics receive and write, shared with the writer and the account. */

/** A record of topic `orders`, keyed by its id; `n` ascends from 1 for each id, with gaps. */
export interface Order {
  readonly n: number;
}

export type Kind = "counted" | "again" | "rung" | "heard";

/** A record of topic `out`, keyed by the id of who wrote it. */
export interface Written {
  readonly kind: Kind;
  readonly id: string;
  /** Counted: of the order. Again, rung: of the count that sent it. Heard: of the count of `from`. */
  readonly n: number;
  /** Messages of this kind that the address had with this one. */
  readonly count: number;
  /** Records that the address had written with this one. */
  readonly seq: number;
  /** Heard: of whom. */
  readonly from?: string;
}

/** The states, of `shop/counter` and of `shop/mirror`. */
export interface Counts {
  readonly counted: number;
  readonly again: number;
  readonly rung: number;
  readonly heard: number;
  /** Records written. */
  readonly seq: number;
}

export const NOTHING: Counts = { counted: 0, again: 0, rung: 0, heard: 0, seq: 0 };

export const IN = "orders";
export const OUT = "out";
export const TOPIC_PARTITIONS = 8;

/** Mirrors that a count is told to, by their distance; other partitions', mostly. */
const NEIGHBOURS = [1, 97];

export function idOf(index: number): string {
  return `i${index}`;
}

export function neighboursOf(id: string, ids: number): string[] {
  const index = Number(id.slice(1));
  return [...new Set(NEIGHBOURS.map((step) => idOf((index + step) % ids)))];
}

/** At these counts a counter sends to itself, at once … */
export function sendsAgain(count: number): boolean {
  return count % 3 === 0;
}

/** … and later. */
export function setsTimer(count: number): boolean {
  return count % 4 === 1;
}

/** From at once to 3 s. */
export function delayOf(id: string, count: number): number {
  return (Number(id.slice(1)) * 37 + count * 271) % 3_000;
}
