import { randomFillSync } from "node:crypto";

const DRAWS = 1_024;

/**
 * A source of numbers in [0, 1), 32 bits each, that nobody can foretell from those seen before, as they
 * could from Math.random's: for what is hard to guess on purpose.
 */
export function unforeseeableRandom(): () => number {
  const drawn = new Uint32Array(DRAWS);
  let next = DRAWS;
  return () => {
    if (next === DRAWS) {
      randomFillSync(drawn);
      next = 0;
    }
    return (drawn[next++] ?? 0) / 2 ** 32;
  };
}
