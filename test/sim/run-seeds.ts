import { Totals } from "./totals.ts";
import { World } from "./world.ts";

export interface Seeds {
  readonly from: number;
  readonly count: number;
  /** The distance from one to the next. Default 1. */
  readonly step?: number;
  /** Gives up after so many failures. */
  readonly maxFailures: number;
}

/** Runs one simulated node after the other. */
export async function runSeeds({ from, count, step = 1, maxFailures }: Seeds): Promise<Totals> {
  const totals = new Totals();
  for (let i = 0; i < count && totals.failures.length < maxFailures; i++) {
    const seed = from + i * step;
    try {
      totals.add(await new World(seed).run());
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      totals.fail({ seed, detail });
    }
  }
  return totals;
}

export const again = (seed: number): string => `npm run sim -- --seeds 1 --from ${seed}`;
