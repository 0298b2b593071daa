/**
 * Effects for one destination, another partition or an egress: numbered, kept until the destination has
 * them, sent after the commit that made them durable (I2).
 *
 *   filling   of the epoch being filled
 *   sealed    of the epoch being committed: numbers given, writes made, not yet sent
 *   window    durable, sent, not acknowledged; in memory, bounded in bytes
 *   spilled   durable, not sent; in the store alone, read back as the window empties
 *
 * An egress may want its records held back until a complete snapshot covers them (`release: snapshot`): they
 * are spilled as they become durable, and stay so until they were in a cut whose snapshot is told complete.
 * After an opening nobody knows which are covered: all wait for the next one.
 *
 * Numbers grow and are never given twice: the next one is stored with every epoch that gives some. They
 * may jump (after an accepted loss of epochs, see recovery.ts). What makes the effects arrive exactly once
 * is the destination's memory of the last number it took.
 */
import { assert } from "../base/assert.ts";
import type { Entry } from "../store/contract.ts";
import { endOfPrefix, KeyReader, keyOf, outboxSource } from "../store/keys.ts";
import {
  decodeOutbox,
  effectBytes,
  encodeOutbox,
  type OutboxEffect,
} from "../store/records/outbox.ts";
import { encodePosition } from "../store/records/position.ts";
import type { Epochs } from "./epochs.ts";
import type { Ledger } from "./ledger.ts";
import type { Reads } from "./reads.ts";

/** Effects of one stored entry at most; an epoch may make several entries. */
const ENTRY_EFFECTS = 1_000;
const ENTRY_BYTES = 1024 * 1024;
/** Cuts whose snapshots may come to be complete; of more, the oldest is forgotten: its records wait for the next. */
const OPEN_CUTS = 8;

/** A run of effects that is stored, sent and deleted as one. */
export interface OutboxEntry {
  readonly first: number;
  readonly effects: readonly OutboxEffect[];
  readonly bytes: number;
}

export const lastOf = (entry: OutboxEntry): number => entry.first + entry.effects.length - 1;

export interface OutboxOptions {
  readonly destination: string;
  readonly next: number;
  /** The first number in the store, and the end of those there; the same when it holds none. */
  readonly firstStored: number;
  readonly storedEnd: number;
  readonly maxBytesInMemory: number;
  /** Nothing leaves before a complete snapshot covers it. */
  readonly isHeld: boolean;
  /** Its destination takes all there is at once, and then nothing for a while: what comes meanwhile gathers. */
  readonly gathers: boolean;
}

export class Outbox {
  readonly destination: string;
  readonly #epochs: Epochs;
  readonly #reads: Reads;
  readonly #ledger: Ledger;
  readonly #maxBytes: number;
  readonly #gathers: boolean;
  /** The next number to give. */
  #next: number;
  #filling: OutboxEffect[] = [];
  #sealed: OutboxEntry[] = [];
  #window: OutboxEntry[] = [];
  #windowBytes = 0;
  /** Numbers in the store alone: from this one … */
  #spilledFrom: number;
  /** … up to, not including, this one. */
  #spilledEnd: number;
  #isReading = false;
  /** Numbers below may leave. */
  #covered: number;
  /** What a snapshot of this number covers. */
  #cuts: { readonly barrier: number; readonly end: number }[] = [];
  /** Numbers that were never given: where those of this life begin anew. */
  readonly #jump: { readonly from: number; readonly to: number };

  constructor(epochs: Epochs, reads: Reads, ledger: Ledger, options: OutboxOptions) {
    this.#epochs = epochs;
    this.#reads = reads;
    this.#ledger = ledger;
    this.destination = options.destination;
    this.#maxBytes = options.maxBytesInMemory;
    this.#gathers = options.gathers;
    this.#next = options.next;
    this.#spilledFrom = options.firstStored;
    this.#spilledEnd = options.storedEnd;
    this.#jump = { from: options.storedEnd, to: options.next };
    this.#covered = options.isHeld ? options.firstStored : Number.POSITIVE_INFINITY;
  }

  /** Effects that the destination has not acknowledged, about: numbered ones, from the first held. */
  get size(): number {
    return this.#since(this.#window[0]?.first ?? this.#spilledFrom);
  }

  /** Those of them that wait for a snapshot. */
  get held(): number {
    return this.#covered === Number.POSITIVE_INFINITY ? 0 : this.#since(this.#covered);
  }

  #since(first: number): number {
    const { from, to } = this.#jump;
    const skipped = Math.max(0, Math.min(to, this.#next) - Math.max(from, first));
    return this.#next - first - skipped + this.#filling.length;
  }

  /** The lowest number it still holds; the next to be given when it holds none. */
  get lowest(): number {
    const held = this.#window[0]?.first;
    if (held !== undefined) return held;
    if (this.#spilledFrom !== this.#spilledEnd) return this.#spilledFrom;
    return this.#sealed[0]?.first ?? this.#next;
  }

  /** The next number to be given. */
  get next(): number {
    return this.#next;
  }

  /** The destination has everything below `next`, so no number below it is given any more. */
  moveUp(next: number): void {
    if (next > this.#next) this.#next = next;
  }

  add(effect: OutboxEffect): void {
    this.#filling.push(effect);
    const bytes = effectBytes(effect);
    this.#ledger.outbox++;
    this.#ledger.outboxBytes += bytes;
    this.#epochs.touch();
    this.#epochs.weigh(bytes);
    const isUnderWay = this.#window.length > 0 || this.#sealed.length > 0;
    if (!this.#gathers || !isUnderWay) this.#epochs.hurry();
  }

  /** I3: numbers what the epoch made and makes it part of the commit that starts. */
  write(): void {
    if (this.#filling.length === 0) return;
    assert(this.#sealed.length === 0, "an outbox sealed twice");
    let effects: OutboxEffect[] = [];
    let bytes = 0;
    const seal = () => {
      const entry = { first: this.#next, effects, bytes };
      this.#sealed.push(entry);
      this.#epochs.write(outboxKey(this.destination, entry.first), encodeOutbox(effects));
      this.#next += effects.length;
      effects = [];
      bytes = 0;
    };
    for (const effect of this.#filling) {
      effects.push(effect);
      bytes += effectBytes(effect);
      if (effects.length >= ENTRY_EFFECTS || bytes >= ENTRY_BYTES) seal();
    }
    if (effects.length > 0) seal();
    this.#filling = [];
    const key = outboxPositionKey(this.destination);
    this.#epochs.write(key, encodePosition(outboxSource(this.destination), this.#next));
  }

  /** The commit is durable: returns what is to be sent now; the rest waits on disk. */
  committed(): OutboxEntry[] {
    const send: OutboxEntry[] = [];
    for (const entry of this.#sealed) {
      const room = this.#windowBytes < this.#maxBytes;
      const isNext = this.#spilledFrom === this.#spilledEnd && lastOf(entry) < this.#covered;
      if (isNext && room) {
        this.#hold(entry);
        send.push(entry);
        this.#spilledFrom = lastOf(entry) + 1;
      }
      this.#spilledEnd = lastOf(entry) + 1;
    }
    this.#sealed = [];
    return send;
  }

  /** A cut was taken: what is durable now is in it. */
  cut(barrier: number): void {
    if (this.#covered >= this.#spilledEnd || this.#cuts.at(-1)?.end === this.#spilledEnd) return;
    this.#cuts.push({ barrier, end: this.#spilledEnd });
    if (this.#cuts.length > OPEN_CUTS) this.#cuts.shift();
  }

  /** The snapshot of this number is complete: what was in its cut, or in one before, may leave. */
  complete(barrier: number): void {
    for (let [cut] = this.#cuts; cut !== undefined && cut.barrier <= barrier; [cut] = this.#cuts) {
      this.#covered = cut.end;
      this.#cuts.shift();
    }
  }

  /**
   * The destination has everything up to `upTo`. Entries that it has whole are deleted; one it has in
   * part stays whole, and is sent again only if it asks.
   */
  acknowledged(upTo: number, each: (number: number, effect: OutboxEffect) => void): void {
    for (let entry = this.#window[0]; entry !== undefined; entry = this.#window[0]) {
      if (lastOf(entry) > upTo) return;
      this.#window.shift();
      this.#windowBytes -= entry.bytes;
      this.#ledger.outbox -= entry.effects.length;
      this.#ledger.outboxBytes -= entry.bytes;
      this.#epochs.write(outboxKey(this.destination, entry.first), undefined);
      entry.effects.forEach((effect, i) => {
        each(entry.first + i, effect);
      });
      // What has gathered is waited for now.
      if (this.#window.length === 0 && this.#filling.length > 0) this.#epochs.hurry();
    }
  }

  /** What must be sent again to a destination that has everything below `next`. */
  resend(next: number): OutboxEntry[] {
    return this.#window.filter((entry) => lastOf(entry) >= next);
  }

  /** Reads spilled entries back while the window has room; `send` gets them in order. */
  refill(send: (entry: OutboxEntry) => void): void {
    const end = Math.min(this.#spilledEnd, this.#covered);
    if (this.#isReading || this.#spilledFrom >= end) return;
    if (this.#windowBytes >= this.#maxBytes / 2) return;
    this.#isReading = true;
    const range = {
      from: outboxKey(this.destination, this.#spilledFrom),
      until: outboxKey(this.destination, end),
      limit: 64,
      maxBytes: this.#maxBytes / 2,
    };
    this.#reads.scan(range, (entries) => {
      this.#isReading = false;
      assert(entries.length > 0, `the outbox of ${this.destination} has a hole`);
      for (const stored of entries) {
        const entry = readOutboxEntry(stored);
        assert(entry.first >= this.#spilledFrom, `the outbox of ${this.destination} goes back`);
        this.#spilledFrom = lastOf(entry) + 1;
        this.#hold(entry);
        send(entry);
      }
    });
  }

  #hold(entry: OutboxEntry): void {
    this.#window.push(entry);
    this.#windowBytes += entry.bytes;
  }
}

export function outboxPositionKey(destination: string): Uint8Array {
  return keyOf("position", outboxSource(destination));
}

export function outboxKey(destination: string, first: number): Uint8Array {
  return keyOf("outbox", destination, first);
}

export function outboxRange(destination: string): { from: Uint8Array; until: Uint8Array } {
  const from = keyOf("outbox", destination);
  return { from, until: endOfPrefix(from) };
}

export function readOutboxEntry(entry: Entry): OutboxEntry {
  const reader = new KeyReader(entry.key);
  reader.text();
  const effects = decodeOutbox(entry.value);
  const bytes = effects.reduce((sum, effect) => sum + effectBytes(effect), 0);
  return { first: reader.number(), effects, bytes };
}
