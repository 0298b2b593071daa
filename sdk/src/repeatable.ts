/**
 * Randomness that is the same whenever the same message is handled again: xoshiro128**, started from the
 * MurmurHash3 (128 bits) of the message's id. Not secret: who knows the id knows what follows.
 *
 * What it yields for an id must never change: a message may be tried again after an upgrade of the SDK.
 */
export interface Randomness {
  /** From 0 up to, not including, 1. */
  random(): number;
  /** A version 4 UUID. */
  uuid(): string;
}

/** For runtimes that send no message ids. */
export const realRandomness: Randomness = {
  random: () => Math.random(),
  uuid: () => crypto.randomUUID(),
};

type Words = readonly [number, number, number, number];

export class SeededRandomness implements Randomness {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: string) {
    [this.#a, this.#b, this.#c, this.#d] = murmur3(encoder.encode(seed));
    if ((this.#a | this.#b | this.#c | this.#d) === 0) this.#a = 1; // the one state it never leaves
  }

  random(): number {
    return ((this.#next() >>> 5) * 2 ** 26 + (this.#next() >>> 6)) / 2 ** 53;
  }

  uuid(): string {
    const a = hex(this.#next());
    const b = hex((this.#next() & 0xffff0fff) | 0x4000);
    const c = hex((this.#next() & 0x3fffffff) | 0x80000000);
    const d = hex(this.#next());
    return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${d}`;
  }

  /** 32 bits. */
  #next(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotate(this.#d, 11);
    return result;
  }
}

const encoder = new TextEncoder();

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/** MurmurHash3_x86_128, seed 0. */
export function murmur3(data: Uint8Array): Words {
  const blocks = data.length >>> 4;
  // The tail is hashed as one more block, padded with zeros, except that its lanes are only mixed in.
  const padded = new DataView(new ArrayBuffer((blocks + 1) * 16));
  new Uint8Array(padded.buffer).set(data);
  const lane = (at: number, first: number, by: number, second: number) =>
    Math.imul(rotate(Math.imul(padded.getUint32(at, true), first), by), second);

  let [h1, h2, h3, h4] = [0, 0, 0, 0];
  for (let block = 0; block < blocks; block++) {
    const at = block * 16;
    h1 = (Math.imul(rotate(h1 ^ lane(at, C1, 15, C2), 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 = (Math.imul(rotate(h2 ^ lane(at + 4, C2, 16, C3), 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 = (Math.imul(rotate(h3 ^ lane(at + 8, C3, 17, C4), 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 = (Math.imul(rotate(h4 ^ lane(at + 12, C4, 18, C1), 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  const tail = blocks * 16;
  h1 ^= lane(tail, C1, 15, C2) ^ data.length;
  h2 ^= lane(tail + 4, C2, 16, C3) ^ data.length;
  h3 ^= lane(tail + 8, C3, 17, C4) ^ data.length;
  h4 ^= lane(tail + 12, C4, 18, C1) ^ data.length;
  return spread(spread([h1, h2, h3, h4]).map(avalanche) as unknown as Words);
}

/** Adds each word to each. */
function spread([a, b, c, d]: Words): Words {
  const sum = (a + b + c + d) | 0;
  return [sum, (b + sum) | 0, (c + sum) | 0, (d + sum) | 0];
}

function avalanche(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
