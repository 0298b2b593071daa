import { StatefoldError } from "../../src/base/errors.ts";
import type {
  Entry,
  ScanRange,
  Store,
  StoreInTheMaking,
  StoreSnapshot,
  Write,
} from "../../src/store/contract.ts";
import { checkLimits } from "../../src/store/limits.ts";
import { OrderedMap } from "../../src/store/ordered-map.ts";

const text = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");

/** Epochs that a lying disk may have lost when the power fails. */
const MAX_LOST = 12;

interface Undo {
  readonly epoch: number;
  readonly before: readonly Write[];
}

/**
 * The disk of one partition. What was committed survives a crash; a commit that was running when the
 * crash came is there as a whole or not at all, and nobody was told which (I3).
 */
export class SimDisk implements Store, StoreInTheMaking {
  #entries = new OrderedMap<Entry>();
  epoch = 0;
  /** What the witness beside it says was synced; behind the disk never, ahead of it after a loss. */
  witness = 0;
  /** Asked before each read while a partition opens; what it returns is thrown. */
  trouble: () => boolean = () => false;
  #undo: Undo[] = [];

  get size(): number {
    return this.#entries.size;
  }

  /** The disk as it is now, to go back to. */
  copy(): SimDisk {
    const copy = new SimDisk();
    copy.#entries = this.#entries.copy();
    copy.epoch = this.epoch;
    copy.witness = this.epoch;
    return copy;
  }

  apply(writes: readonly Write[], epoch: number): void {
    checkLimits(writes);
    const before: Write[] = [];
    for (const { key, value } of writes) {
      const name = text(key);
      before.push({ key, value: this.#entries.get(name)?.value });
      this.#set(name, key, value);
    }
    this.#undo.push({ epoch: this.epoch, before });
    if (this.#undo.length > MAX_LOST) this.#undo.shift();
    this.epoch = epoch;
    this.witness = epoch;
  }

  /** The power fails, and up to so many epochs that were synced are gone. Returns how many are. */
  lose(count: number): number {
    let lost = 0;
    for (; lost < count; lost++) {
      const last = this.#undo.pop();
      if (last === undefined) break;
      for (const { key, value } of [...last.before].reverse()) this.#set(text(key), key, value);
      this.epoch = last.epoch;
    }
    return lost;
  }

  read(keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    return keys.map((key) => this.#entries.get(text(key))?.value);
  }

  all(): Entry[] {
    return [...this.#entries.range("")];
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
    this.#check();
    return this.read(keys);
  }

  async scan(range: ScanRange): Promise<Entry[]> {
    this.#check();
    return this.list(range);
  }

  async fill(writes: readonly Write[]): Promise<void> {
    this.apply(writes, this.epoch);
  }

  async commit(writes: readonly Write[], epoch: number): Promise<void> {
    this.apply(writes, epoch);
  }

  snapshot(): StoreSnapshot {
    return this.copy();
  }

  async close(): Promise<void> {}

  #set(name: string, key: Uint8Array, value: Uint8Array | undefined): void {
    if (value === undefined) this.#entries.delete(name);
    else this.#entries.set(name, { key, value });
  }

  #check(): void {
    if (this.trouble()) throw new StatefoldError("STORE_CORRUPT", "the disk does not read");
  }
}
