import { assert } from "../base/assert.ts";
import { latin1 } from "../base/bytes.ts";
import { StatefoldError } from "../base/errors.ts";
import type {
  Entry,
  ScanRange,
  Store,
  StoreInTheMaking,
  StoreSnapshot,
  Write,
} from "./contract.ts";
import { checkLimits } from "./limits.ts";
import { OrderedMap } from "./ordered-map.ts";

/** What outlives a MemoryStore, as a directory outlives a LevelStore: hand it to the next one. */
export class MemoryContents {
  readonly #entries: OrderedMap<Entry>;

  constructor(entries = new OrderedMap<Entry>()) {
    this.#entries = entries;
  }

  copy(): MemoryContents {
    return new MemoryContents(this.#entries.copy());
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(latin1(key))?.value;
  }

  /** In key order, from `from` (included) up to `until` (excluded). */
  range(from: Uint8Array, until: Uint8Array): Iterable<Entry> {
    return this.#entries.range(latin1(from), latin1(until));
  }

  apply(writes: readonly Write[]): void {
    for (const { key, value } of writes) {
      if (value === undefined) this.#entries.delete(latin1(key));
      else this.#entries.set(latin1(key), { key, value });
    }
  }
}

/** A store without a disk, for simulations and tests. What it promises, it promises until the process ends. */
export class MemoryStore implements Store, StoreInTheMaking {
  readonly #contents: MemoryContents;
  #epoch = 0;
  #closed = false;

  constructor(contents: MemoryContents = new MemoryContents()) {
    this.#contents = contents;
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#assertOpen();
    return getFrom(this.#contents, keys);
  }

  async scan(range: ScanRange): Promise<Entry[]> {
    this.#assertOpen();
    return scanOf(this.#contents, range);
  }

  /** A copy: 1,000,000 entries take some milliseconds. */
  snapshot(): StoreSnapshot {
    this.#assertOpen();
    let contents: MemoryContents | undefined = this.#contents.copy();
    const opened = (): MemoryContents => {
      assert(contents !== undefined, "a snapshot is used after it was closed");
      if (!this.#closed) return contents;
      throw new StatefoldError("UNAVAILABLE", "the store was closed, and its snapshots with it");
    };
    return {
      getMany: async (keys) => getFrom(opened(), keys),
      scan: async (range) => scanOf(opened(), range),
      close: async () => {
        contents = undefined;
      },
    };
  }

  async fill(writes: readonly Write[]): Promise<void> {
    this.#assertOpen();
    assert(this.#epoch === 0, "a store is filled before its first commit");
    checkLimits(writes);
    this.#contents.apply(writes);
  }

  async commit(writes: readonly Write[], epoch: number): Promise<void> {
    this.#assertOpen();
    assert(epoch > this.#epoch, `epoch ${epoch} after epoch ${this.#epoch}`);
    checkLimits(writes);
    this.#epoch = epoch;
    this.#contents.apply(writes);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #assertOpen(): void {
    assert(!this.#closed, "the store is used after it was closed");
  }
}

function getFrom(contents: MemoryContents, keys: readonly Uint8Array[]) {
  return keys.map((key) => contents.get(key));
}

function scanOf(contents: MemoryContents, range: ScanRange): Entry[] {
  assert(range.limit >= 1, `a scan of ${range.limit} entries`);
  const maxBytes = range.maxBytes ?? Number.POSITIVE_INFINITY;
  const found: Entry[] = [];
  let bytes = 0;
  for (const entry of contents.range(range.from, range.until)) {
    found.push(entry);
    bytes += entry.key.byteLength + entry.value.byteLength;
    if (found.length >= range.limit || bytes >= maxBytes) break;
  }
  return found;
}
