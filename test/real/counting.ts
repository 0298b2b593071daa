/** What the counting functions write, shared with the test that reads it. */

/** Topic `added`, keyed by the counter's id; and topic `late`, a little later. */
export interface Added {
  readonly id: string;
  readonly source: string;
  readonly n: number;
  /** What the counter has counted, this one included. */
  readonly total: number;
}

/** Topic `heard`, keyed by the mirror's id: a message of a counter, which may live in another partition. */
export interface Heard extends Added {
  readonly mirror: string;
  readonly heard: number;
}

export const COUNTERS = 12;

/** Mirrors that each counter tells. */
export const NEIGHBOURS = 2;

export function counterId(index: number): string {
  return `c${index % COUNTERS}`;
}

export function neighbourOf(id: string, step: number): string {
  return counterId(Number(id.slice(1)) + step);
}
