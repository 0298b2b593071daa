/**
 * A partition that is being made from a snapshot: what is put into it goes to its store some megabytes at a
 * time, and is counted, so that in the end its books are right from the first (I4).
 *
 * Sequences: those of the cut are kept when the number of partitions is. Otherwise everything that has one
 * gets a new one, in the order it comes in, which is the order of each address: below `firstLate` what is
 * kept as it was, from there on what comes behind all of that, messages that were on their way.
 */
import { assert } from "../base/assert.ts";
import type { StoreInTheMaking, Write } from "../store/contract.ts";
import { keyOf } from "../store/keys.ts";
import { encodeMeta, type MetaRecord } from "../store/records/meta.ts";

/** Handed to the store at once, about. */
const COMMIT_BYTES = 4 * 1024 * 1024;

export type Place = "mail" | "timers" | "outbox" | "dead";

export interface RestoredStoreOptions {
  readonly store: StoreInTheMaking;
  /** As it begins; what it holds is counted here. */
  readonly meta: MetaRecord;
  readonly keepsSequences: boolean;
  readonly firstLate: number;
}

export class RestoredStore {
  readonly #options: RestoredStoreOptions;
  #writes: Write[] = [];
  #bytes = 0;
  #filling: Promise<void> = Promise.resolve();
  #epoch: number;
  #next = 1;
  #nextLate: number;
  readonly #held = { mail: 0, timers: 0, outbox: 0, dead: 0 };
  #outboxBytes = 0;
  #finished = 0;

  constructor(options: RestoredStoreOptions) {
    this.#options = options;
    this.#epoch = options.meta.epoch;
    this.#nextLate = options.firstLate;
  }

  /** The sequence here of what had this one. */
  sequence(before: number): number {
    if (this.#options.keepsSequences) return before;
    assert(this.#next < this.#options.firstLate, "there are as many sequences as were given");
    return this.#next++;
  }

  /** One behind all that was there. */
  lateSequence(): number {
    return this.#nextLate++;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#writes.push({ key, value });
    this.#bytes += key.byteLength + value.byteLength;
  }

  count(place: Place, messages: number): void {
    this.#held[place] += messages;
  }

  countOutboxBytes(bytes: number): void {
    this.#outboxBytes += bytes;
  }

  /** Messages of this partition's books that are done. */
  finish(messages: number): void {
    this.#finished += messages;
  }

  /** Whether it is time to {@link flush}. */
  get isFull(): boolean {
    return this.#bytes >= COMMIT_BYTES;
  }

  /** Hands over what was put into it, and waits for what was before: while it is written, more may be put. */
  async flush(): Promise<void> {
    await this.#filling;
    const writes = this.#writes;
    this.#writes = [];
    this.#bytes = 0;
    this.#filling = this.#options.store.fill(writes);
    this.#filling.catch(() => {}); // whoever waits for it hears of it
  }

  /**
   * Makes everything durable, with its own record, which is what makes it a partition. That comes once and last: its
   * key is before all others, and the store has little to merge as long as keys come in order.
   */
  async complete(): Promise<void> {
    await this.flush();
    await this.#filling;
    const epoch = ++this.#epoch;
    const writes = [{ key: keyOf("meta"), value: encodeMeta(this.meta) }];
    await this.#options.store.commit(writes, epoch);
  }

  /** As of now. */
  get meta(): MetaRecord {
    const held = this.#held;
    const sum = held.mail + held.timers + held.outbox + held.dead;
    return {
      ...this.#options.meta,
      ...held,
      epoch: this.#epoch,
      nextSequence: this.#nextLate,
      finished: this.#finished,
      accepted: this.#finished + sum,
      outboxBytes: this.#outboxBytes,
    };
  }
}
