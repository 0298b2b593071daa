import { type Failure, Totals } from "./totals.ts";
import { World } from "./world.ts";

export interface Seeds {
  readonly from: number;
  readonly count: number;
  /** The distance from one to the next. Default 1. */
  readonly step?: number;
  /** Gives up after so many failures. */
  readonly maxFailures: number;
  /** Told at once. */
  readonly onFailure?: (failure: Failure) => void;
}

/** Runs one simulated node after the other. */
export async function runSeeds(seeds: Seeds): Promise<Totals> {
  const { from, count, step = 1, maxFailures, onFailure } = seeds;
  const totals = new Totals();
  for (let i = 0; i < count && totals.failures.length < maxFailures; i++) {
    const seed = from + i * step;
    try {
      totals.add(await new World(seed).run());
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      totals.fail({ seed, detail });
      onFailure?.({ seed, detail });
    }
  }
  return totals;
}

export const again = (seed: number): string => `npm run sim -- --seeds 1 --from ${seed}`;
