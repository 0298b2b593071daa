/** Splits when it grows past this: large enough for few chunks, small enough to shift cheaply. */
const MAX_CHUNK = 512;

interface Chunk<V> {
  readonly keys: string[];
  readonly values: V[];
}

/**
 * A map from strings to values, ordered by code unit; a latin1 string of bytes is so ordered as its
 * bytes. Two levels of sorted arrays: a million keys are two thousand chunks, and finding, adding and
 * removing are two binary searches and one shift within a chunk.
 *
 * Invariant: no chunk is empty but the only one, and keys ascend strictly through all chunks.
 */
export class OrderedMap<V> {
  readonly #chunks: Chunk<V>[] = [{ keys: [], values: [] }];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Another map of the same entries: what becomes of the one does not change the other. */
  copy(): OrderedMap<V> {
    const copy = new OrderedMap<V>();
    const chunks = this.#chunks.map(({ keys, values }) => ({
      keys: keys.slice(),
      values: values.slice(),
    }));
    copy.#chunks.splice(0, 1, ...chunks);
    copy.#size = this.#size;
    return copy;
  }

  get(key: string): V | undefined {
    const chunk = this.#chunkOf(key);
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  set(key: string, value: V): void {
    const index = this.#indexOf(key);
    const chunk = this.#at(index);
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] === key) {
      chunk.values[at] = value;
      return;
    }
    chunk.keys.splice(at, 0, key);
    chunk.values.splice(at, 0, value);
    this.#size++;
    if (chunk.keys.length > MAX_CHUNK) {
      const half = MAX_CHUNK >> 1;
      const upper = { keys: chunk.keys.splice(half), values: chunk.values.splice(half) };
      this.#chunks.splice(index + 1, 0, upper);
    }
  }

  delete(key: string): void {
    const index = this.#indexOf(key);
    const chunk = this.#at(index);
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] !== key) return;
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    this.#size--;
    if (chunk.keys.length === 0 && this.#chunks.length > 1) this.#chunks.splice(index, 1);
  }

  /** The values from `from` (included) up to `until` (excluded, default: to the end), in key order. */
  *range(from: string, until?: string): Generator<V> {
    for (let index = this.#indexOf(from); index < this.#chunks.length; index++) {
      const { keys, values } = this.#at(index);
      for (let at = lowerBound(keys, from); at < keys.length; at++) {
        if (until !== undefined && (keys[at] ?? "") >= until) return;
        yield values[at] as V;
      }
    }
  }

  #chunkOf(key: string): Chunk<V> {
    return this.#at(this.#indexOf(key));
  }

  #at(index: number): Chunk<V> {
    const chunk = this.#chunks[index];
    if (chunk === undefined) throw new RangeError(`no chunk ${index}`);
    return chunk;
  }

  /** The last chunk that begins at or before `key`, or the first. */
  #indexOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#at(middle).keys[0] ?? "") <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** The first index whose key is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
