/** Chance that can be had again: the same seed draws the same numbers, on every machine. */
export interface Rng {
  /** Uniform in [0, 1), like Math.random; may be handed on by itself. */
  readonly random: () => number;
  /** Uniform in 0 … below − 1. */
  int(below: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  bytes(length: number): Uint8Array;
  /** The items in another order. */
  shuffle<T>(items: readonly T[]): T[];
  /** A generator of its own, so that what one part draws does not change what another sees. */
  fork(): Rng;
}

/** xoshiro128** (D. Blackman, S. Vigna, 2018), its state filled from the seed by splitmix32. */
export function createRng(seed: number): Rng {
  const mix = splitmix32(seed);
  let [a, b, c, d] = [mix(), mix(), mix(), mix()];

  function next(): number {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  }

  const random = (): number => next() / 2 ** 32;
  const int = (below: number): number => Math.floor(random() * below);
  return {
    random,
    int,
    chance: (probability) => random() < probability,
    pick: (items) => {
      if (items.length === 0) throw new RangeError("nothing to pick from");
      return items[int(items.length)] as (typeof items)[number];
    },
    bytes: (length) => Uint8Array.from({ length }, () => int(256)),
    shuffle: (items) => {
      const shuffled = [...items];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const [moved] = shuffled.splice(int(i + 1), 1) as typeof shuffled;
        shuffled.splice(i, 0, moved as (typeof shuffled)[number]);
      }
      return shuffled;
    },
    fork: () => createRng(next()),
  };
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
