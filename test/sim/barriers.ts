import type { Rng } from "../support/rng.ts";

/** How often, at most, and how far partitions hear of one at different times. */
export interface Barriers {
  readonly count: number;
  readonly everyMs: number;
  readonly lateMs: number;
  /** How likely a partition never hears of one. */
  readonly unheard: number;
  /** How likely a snapshot is given up though every cut is there. */
  readonly abandoned: number;
}

/** Undefined: no snapshots are taken. */
export function drawBarriers(rng: Rng): Barriers | undefined {
  if (rng.chance(0.55)) return undefined;
  return {
    count: 3 + rng.int(15),
    everyMs: rng.pick([20, 100, 300]),
    lateMs: rng.pick([1, 20, 100]),
    unheard: rng.pick([0, 0.3, 0.8]),
    abandoned: rng.pick([0, 0.5]),
  };
}
