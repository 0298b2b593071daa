import type { Entry, ScanRange, Store, Write } from "../../src/store/contract.ts";
import { OrderedMap } from "../../src/store/ordered-map.ts";

const text = (key: Uint8Array): string => Buffer.from(key).toString("latin1");

/**
 * The disk of one partition. What was committed survives a crash; a commit that was running when the
 * crash came is there as a whole or not at all, and nobody was told which (I3).
 */
export class SimDisk implements Store {
  readonly #entries = new OrderedMap<Entry>();
  epoch = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** The disk as it is now, to go back to. */
  copy(): SimDisk {
    const copy = new SimDisk();
    const writes = [...this.#entries.range("", "\uffff")];
    copy.apply(writes, this.epoch);
    return copy;
  }

  apply(writes: readonly Write[], epoch: number): void {
    for (const { key, value } of writes) {
      if (value === undefined) this.#entries.delete(text(key));
      else this.#entries.set(text(key), { key, value });
    }
    this.epoch = epoch;
  }

  read(keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    return keys.map((key) => this.#entries.get(text(key))?.value);
  }

  list(range: ScanRange): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#entries.range(text(range.from), text(range.until))) {
      found.push(entry);
      bytes += entry.key.byteLength + entry.value.byteLength;
      if (found.length >= range.limit || bytes >= (range.maxBytes ?? Infinity)) break;
    }
    return found;
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.read(keys);
  }

  async scan(range: ScanRange): Promise<Entry[]> {
    return this.list(range);
  }

  async commit(writes: readonly Write[], epoch: number): Promise<void> {
    this.apply(writes, epoch);
  }

  async close(): Promise<void> {}
}
