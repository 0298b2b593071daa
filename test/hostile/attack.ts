/**
 * Attacks: each makes hostile inputs from chance, feeds them to one part, and says in a few words what
 * came of each. Whatever must never happen is thrown, and ends the run with what it takes to see it again.
 */
import { createRng, type Rng } from "../support/rng.ts";
import type { Account } from "./account.ts";

export interface Attack {
  readonly name: string;
  /** Inputs under way at once. Default 1. */
  readonly atOnce?: number;
  /**
   * Makes one input and feeds it.
   *
   * @param show is told the input, for whoever has to find out what it did
   * @returns what it was answered, as an entry of the account
   * @throws when the part did what it must not
   */
  readonly strike: (rng: Rng, show: (input: unknown) => void) => string | Promise<string>;
}

export interface Range {
  readonly seed: number;
  /** The first input and how many. Each is drawn from the seed and its own number. */
  readonly from?: number;
  readonly inputs: number;
}

/** @throws Error that names attack, seed and number of the input that broke something */
export async function run(attack: Attack, range: Range, account: Account): Promise<void> {
  const { seed, from = 0, inputs } = range;
  const last = from + inputs;
  let next = from;
  const worker = async (): Promise<void> => {
    while (next < last) {
      const number = next++;
      let shown: unknown;
      const show = (input: unknown): void => {
        shown = input;
      };
      try {
        // Each input stands for itself, so that one can be had again alone.
        const rng = createRng(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
        account.count(attack.name, await attack.strike(rng, show));
      } catch (cause) {
        next = last;
        const again = `npm run hostile -- --only ${attack.name} --seed ${seed} --from ${number} --inputs 1`;
        throw new Error(`${attack.name}, input ${number}: ${picture(shown)}\n  again: ${again}`, {
          cause,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: attack.atOnce ?? 1 }, worker));
}

/** Enough of an input to know it by. */
function picture(input: unknown): string {
  if (input instanceof Uint8Array) return `0x${Buffer.from(input).toString("hex").slice(0, 4_000)}`;
  return (typeof input === "string" ? input : (JSON.stringify(input) ?? String(input))).slice(
    0,
    4_000,
  );
}
