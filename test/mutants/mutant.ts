/** The promises of docs/architecture.md that a bug may break, by their number in the design. */
export type Invariant =
  | "I1 single writer"
  | "I2 release after commit"
  | "I3 one atom"
  | "I4 conservation"
  | "I5 order at the receiver"
  | "I6 isolation"
  | "I7 consistent cut"
  | "I9 bounds"
  | "I10 liveness"
  | "exactness";

/** A piece of source, found exactly once, and what stands there instead. */
export interface Change {
  /** Below src/. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A deliberate bug: one that compiles, works most of the time, and breaks a promise. */
export interface Mutant extends Change {
  readonly name: string;
  /** What is wrong with it, and who would notice. */
  readonly bug: string;
  readonly breaks: Invariant;
  /** What else must change for it to compile. */
  readonly also?: readonly Change[];
  /**
   * Words in the paths of the tests that must fail, for code which the simulation replaces (stores,
   * drivers, publishers). Default: the simulation must fail.
   */
  readonly tests?: readonly string[];
  /** The simulation of snapshots over several lives must fail (test/sim/snapshots/), not that of one node. */
  readonly simulation?: "snapshots";
}

export const changesOf = (mutant: Mutant): readonly Change[] => [mutant, ...(mutant.also ?? [])];

/**
 * The text with one change made.
 * @throws Error when the place is not there exactly once: the source has moved on, and the list must follow
 */
export function applyChange(text: string, { file, from, to }: Change, name: string): string {
  const places = text.split(from).length - 1;
  if (places !== 1) {
    throw new Error(`${name}: src/${file} holds this ${places} times, not once:\n${from}`);
  }
  if (from === to) throw new Error(`${name} changes nothing`);
  return text.replace(from, () => to);
}
