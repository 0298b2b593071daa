/**
 * Plain data on its way to another thread. Its bytes are copied once, into buffers that belong to nobody else, and
 * these are moved: what comes in is often a small part of a large buffer that others have parts of, and would be
 * copied as a whole.
 *
 * The buffers are small, since whoever keeps a few bytes of one keeps all of it.
 */

/** Of a buffer that holds the bytes of several values; a larger value has one of its own. */
const CHUNK_BYTES = 16 * 1024;
/** The first one of a batch; the next are twice as large each. */
const FIRST_CHUNK_BYTES = 512;

export interface Packed<T> {
  readonly value: T;
  /** To be moved with it. */
  readonly transfer: readonly ArrayBuffer[];
  /** In them. */
  readonly bytes: number;
}

/** Nothing of what is handed in is changed or taken from its owner. */
export function pack<T>(value: T): Packed<T> {
  const packer = new Packer();
  const copy = packer.copy(value) as T;
  return { value: copy, transfer: packer.transfer, bytes: packer.bytes };
}

class Packer {
  readonly transfer: ArrayBuffer[] = [];
  bytes = 0;
  #chunk = new ArrayBuffer(0);
  #used = 0;
  #nextBytes = FIRST_CHUNK_BYTES;

  copy(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Uint8Array) return this.#place(value);
    if (Array.isArray(value)) return this.#copyList(value);
    return isPlain(value) ? this.#copyFields(value) : value;
  }

  /** The same list where nothing in it has bytes. */
  #copyList(list: readonly unknown[]): readonly unknown[] {
    let copied: unknown[] | undefined;
    for (const [i, each] of list.entries()) {
      const copy = this.copy(each);
      if (copied === undefined && copy === each) continue;
      copied ??= list.slice(0, i);
      copied.push(copy);
    }
    return copied ?? list;
  }

  #copyFields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    let copied: Record<string, unknown> | undefined;
    for (const name of Object.keys(fields)) {
      const copy = this.copy(fields[name]);
      if (copy === fields[name]) continue;
      copied ??= { ...fields };
      copied[name] = copy;
    }
    return copied ?? fields;
  }

  #place(bytes: Uint8Array): Uint8Array {
    const { byteLength } = bytes;
    this.bytes += byteLength;
    if (byteLength >= CHUNK_BYTES) {
      const own = new Uint8Array(new ArrayBuffer(byteLength));
      own.set(bytes);
      this.transfer.push(own.buffer);
      return own;
    }
    if (this.#used + byteLength > this.#chunk.byteLength) {
      this.#chunk = new ArrayBuffer(Math.max(this.#nextBytes, byteLength));
      this.#nextBytes = Math.min(2 * this.#nextBytes, CHUNK_BYTES);
      this.#used = 0;
      this.transfer.push(this.#chunk);
    }
    const placed = new Uint8Array(this.#chunk, this.#used, byteLength);
    placed.set(bytes);
    this.#used += byteLength;
    return placed;
  }
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
