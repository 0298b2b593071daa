/** Whether the partitions of a seed sit on several threads, and what becomes of these. */
import type { Rng } from "../../support/rng.ts";

export interface ThreadsSwarm {
  readonly count: number;
  /** A batch is on its way for so long at most. */
  readonly wayMs: number;
  /** What is said within that time goes as one batch, at most. */
  readonly turnMs: number;
  /** How likely a thread goes between two steps. */
  readonly gone: number;
  /** The node ends so long after a thread at most. */
  readonly noticedMs: number;
  /** On its way to a thread at most, from the main thread. */
  readonly maxBytes: number;
}

/** Half of those that have several partitions, and no Kafka. Drawn apart, so that the others stay as they are. */
export function drawThreads(rng: Rng, partitions: number): ThreadsSwarm | undefined {
  if (partitions === 1 || !rng.chance(0.5)) return undefined;
  return {
    count: Math.min(partitions, rng.pick([2, 3, 3])),
    wayMs: rng.pick([0.1, 2, 50]),
    turnMs: rng.pick([0.1, 1, 20]),
    gone: rng.pick([0, 0.001, 0.004]),
    noticedMs: rng.pick([1, 30, 500]),
    maxBytes: rng.pick([500, 5_000, 64 * 1024 * 1024]),
  };
}
