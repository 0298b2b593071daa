import { createHash } from "node:crypto";

/**
 * Compares two sets of things that should be the same, in memory that does not grow with them: each thing
 * is hashed into one of many buckets, and a bucket adds up what fell into it. Where two sets differ, their
 * buckets do; only what falls into those need be looked at again.
 */
const BUCKETS = 4_096;

export class Fingerprint {
  readonly #low = new Uint32Array(BUCKETS);
  readonly #high = new Uint32Array(BUCKETS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(thing: Uint8Array): void {
    const { bucket, low, high } = placeOf(thing);
    this.#low[bucket] = (this.#low[bucket] ?? 0) + low;
    this.#high[bucket] = (this.#high[bucket] ?? 0) + high;
    this.#size++;
  }

  /** The buckets in which two sets differ. */
  difference(other: Fingerprint): ReadonlySet<number> {
    const found = new Set<number>();
    for (let i = 0; i < BUCKETS; i++) {
      if (this.#low[i] !== other.#low[i] || this.#high[i] !== other.#high[i]) found.add(i);
    }
    return found;
  }
}

export function bucketOf(thing: Uint8Array): number {
  return placeOf(thing).bucket;
}

function placeOf(thing: Uint8Array): { bucket: number; low: number; high: number } {
  const hash = createHash("sha1").update(thing).digest();
  return {
    bucket: hash.readUInt32LE(0) % BUCKETS,
    low: hash.readUInt32LE(4),
    high: hash.readUInt32LE(8),
  };
}

/** Things of the buckets that differ, looked at one by one; no more than so many are held. */
const HELD_THINGS = 100_000;

/** What is in one set and not in the other, among the buckets that differ. */
export class Differences {
  readonly #buckets: ReadonlySet<number>;
  readonly #seen = new Map<string, number>();
  #isWhole = true;

  constructor(buckets: ReadonlySet<number>) {
    this.#buckets = buckets;
  }

  /** False: there were too many to look at. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** @param side 1 or -1: which of the two sets it is in */
  add(thing: Uint8Array, side: 1 | -1): void {
    if (!this.#buckets.has(bucketOf(thing))) return;
    const name = Buffer.from(thing).toString("latin1");
    const balance = (this.#seen.get(name) ?? 0) + side;
    if (balance === 0) this.#seen.delete(name);
    else if (this.#seen.size < HELD_THINGS) this.#seen.set(name, balance);
    else this.#isWhole = false;
  }

  only(side: 1 | -1): Uint8Array[] {
    return [...this.#seen]
      .filter(([, balance]) => balance * side > 0)
      .map(([name]) => Buffer.from(name, "latin1"));
  }
}
