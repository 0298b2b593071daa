/**
 * Delayed messages: in the store from the commit of the epoch that made them until they fire, in memory
 * only for the next short window.
 *
 * The horizon is a timer key. Every timer before it is in memory; at or behind it, only those are whose
 * epoch is not durable yet, since a read of the store might miss them. The horizon moves forward by
 * reading the next run of keys, and backward when memory is full.
 *
 * I10: the next wake-up is the earlier of the first timer and the time to look behind the horizon.
 */
import { Heap } from "../base/heap.ts";
import { messageBytes } from "../model/message.ts";
import type { Entry } from "../store/contract.ts";
import { endOfPrefix, KeyReader, keyOf } from "../store/keys.ts";
import { decodeTimer, encodeTimer, type TimerRecord } from "../store/records.ts";
import type { Epochs } from "./epochs.ts";
import type { Ledger } from "./ledger.ts";
import type { PartitionLimits } from "./limits.ts";
import type { Reads } from "./reads.ts";

/** How far ahead the horizon is moved, and how close it may come before it is moved again. */
const WINDOW_MS = 60_000;
const LOAD_LIMIT = 4_096;
const LOAD_BYTES = 8 * 1024 * 1024;

/** Keys sort by time, then by sequence: timers of one time fire in the order they were made. */
export interface TimerKey {
  readonly dueMs: number;
  readonly sequence: number;
}

interface Timer extends TimerKey {
  readonly record: TimerRecord;
  readonly bytes: number;
  readonly epoch: number;
  written: boolean;
  gone: boolean;
}

/** What may be in memory at once; twice as much for moments. */
export interface TimerBounds {
  readonly timersInMemory: number;
  readonly timerBytesInMemory: number;
}

const before = (a: TimerKey, b: TimerKey): boolean =>
  a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);

export class Timers {
  readonly #epochs: Epochs;
  readonly #reads: Reads;
  readonly #ledger: Ledger;
  readonly #maxInMemory: number;
  readonly #maxBytes: number;
  /** Those that are gone stay until their time, or until it is trimmed: they count, too. */
  readonly #due = new Heap<Timer>(before);
  #dueBytes = 0;
  /** Every timer in memory, by sequence. */
  readonly #known = new Map<number, Timer>();
  /** Behind the horizon, and not to be found in the store for certain. */
  readonly #recent = new Map<number, Timer>();
  #unwritten: Timer[] = [];
  #horizon: TimerKey = { dueMs: 0, sequence: 0 };
  /** Removed in these epochs, by sequence: a read of the store may still show them. */
  readonly #removed = new Map<number, number>();
  #isReading = false;

  constructor(
    epochs: Epochs,
    reads: Reads,
    ledger: Ledger,
    limits: Pick<PartitionLimits, "timersInMemory" | "timerBytesInMemory">,
  ) {
    this.#epochs = epochs;
    this.#reads = reads;
    this.#ledger = ledger;
    this.#maxInMemory = limits.timersInMemory;
    this.#maxBytes = limits.timerBytesInMemory;
  }

  get inMemory(): number {
    return this.#known.size;
  }

  /** What those in memory weigh, cancelled ones included. */
  get bytesInMemory(): number {
    return this.#dueBytes;
  }

  add(key: TimerKey, record: TimerRecord): void {
    const bytes = messageBytes(record.message);
    const { current: epoch } = this.#epochs;
    const timer = { ...key, record, bytes, epoch, written: false, gone: false };
    this.#ledger.timers++;
    this.#epochs.touch();
    this.#epochs.weigh(bytes);
    this.#unwritten.push(timer);
    if (before(timer, this.#horizon)) this.#keep(timer);
    else this.#recent.set(timer.sequence, timer);
    this.#trim();
  }

  /** Removes a timer that has not fired, wherever it is. */
  cancel(key: TimerKey): void {
    const timer = this.#known.get(key.sequence) ?? this.#recent.get(key.sequence);
    if (timer === undefined) {
      this.#epochs.write(timerKey(key), undefined);
      this.#removed.set(key.sequence, this.#epochs.current);
      this.#ledger.timers--;
    } else {
      this.#remove(timer);
    }
  }

  /** Takes out the earliest, if it is due. */
  fire(nowMs: number): TimerRecord | undefined {
    for (let next = this.#due.peek(); next !== undefined; next = this.#due.peek()) {
      if (!next.gone && next.dueMs > nowMs) return undefined;
      this.#due.pop();
      this.#dueBytes -= next.bytes;
      if (next.gone) continue;
      this.#remove(next);
      return next.record;
    }
    return undefined;
  }

  /** Reads the store when the horizon has come close. */
  look(nowMs: number): void {
    if (this.#isReading || this.#isFull || this.#horizon.dueMs > nowMs + WINDOW_MS) return;
    const until = { dueMs: nowMs + 2 * WINDOW_MS, sequence: 0 };
    const range = { from: timerKey(this.#horizon), until: timerKey(until) };
    this.#isReading = true;
    this.#reads.scan({ ...range, limit: LOAD_LIMIT, maxBytes: LOAD_BYTES }, (entries) => {
      this.#loaded(entries, until);
    });
  }

  /** I3: every new timer that still waits becomes part of the commit that starts. */
  write(): void {
    for (const timer of this.#unwritten) {
      if (timer.gone) continue;
      timer.written = true;
      this.#epochs.write(timerKey(timer), encodeTimer(timer.record));
    }
    this.#unwritten = [];
  }

  /** What is durable is found by the next read, unless one is running that may have missed it. */
  settle(): void {
    if (this.#isReading) return;
    for (const [sequence, epoch] of this.#removed) {
      if (epoch > this.#epochs.committed) break;
      this.#removed.delete(sequence);
    }
    for (const timer of this.#recent.values()) {
      if (!timer.written || timer.epoch > this.#epochs.committed) break;
      this.#recent.delete(timer.sequence);
    }
  }

  /** I10. */
  wakeAtMs(nowMs: number): number | undefined {
    const first = this.#due.peek();
    if (this.#isReading || this.#isFull) return first?.dueMs;
    const look = Math.max(nowMs, this.#horizon.dueMs - WINDOW_MS);
    return first === undefined ? look : Math.min(first.dueMs, look);
  }

  #loaded(entries: readonly Entry[], until: TimerKey): void {
    this.#isReading = false;
    let last: TimerKey | undefined;
    for (const entry of entries) {
      last = readTimerKey(entry.key);
      if (this.#removed.has(last.sequence) || this.#recent.has(last.sequence)) continue;
      const record = decodeTimer(entry.value);
      const bytes = messageBytes(record.message);
      this.#keep({ ...last, record, bytes, epoch: 0, written: true, gone: false });
    }
    const isWhole = entries.length < LOAD_LIMIT && bytesOf(entries) < LOAD_BYTES;
    this.#horizon =
      isWhole || last === undefined ? until : { dueMs: last.dueMs, sequence: last.sequence + 1 };
    for (const timer of this.#recent.values()) {
      if (!before(timer, this.#horizon)) continue;
      this.#recent.delete(timer.sequence);
      this.#keep(timer);
    }
    this.settle();
    this.#trim();
  }

  #keep(timer: Timer): void {
    this.#known.set(timer.sequence, timer);
    this.#due.push(timer);
    this.#dueBytes += timer.bytes;
  }

  #remove(timer: Timer): void {
    timer.gone = true;
    this.#known.delete(timer.sequence);
    this.#recent.delete(timer.sequence);
    this.#ledger.timers--;
    this.#epochs.touch();
    if (!timer.written) return;
    this.#epochs.write(timerKey(timer), undefined);
    this.#removed.set(timer.sequence, this.#epochs.current);
  }

  get #isFull(): boolean {
    return this.#due.size >= this.#maxInMemory || this.#dueBytes >= this.#maxBytes;
  }

  /** With twice a bound in memory, the later half goes back behind the horizon. */
  #trim(): void {
    const isOver = this.#due.size > 2 * this.#maxInMemory || this.#dueBytes > 2 * this.#maxBytes;
    if (this.#isReading || !isOver) return;
    const all = this.#due.drain().filter((timer) => !timer.gone);
    this.#dueBytes = 0;
    let kept = 0;
    for (const timer of all) {
      if (kept > 0 && this.#isFull) break;
      this.#due.push(timer);
      this.#dueBytes += timer.bytes;
      kept++;
    }
    const first = all[kept];
    if (first === undefined) return;
    this.#horizon = { dueMs: first.dueMs, sequence: first.sequence };
    for (const timer of all.slice(kept)) {
      this.#known.delete(timer.sequence);
      const isDurable = timer.written && timer.epoch <= this.#epochs.committed;
      if (!isDurable) this.#recent.set(timer.sequence, timer);
    }
  }
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { key, value }) => sum + key.byteLength + value.byteLength, 0);
}

export function timerKey(key: TimerKey): Uint8Array {
  return keyOf("timer", key.dueMs, key.sequence);
}

export function readTimerKey(key: Uint8Array): TimerKey {
  const reader = new KeyReader(key);
  return { dueMs: reader.number(), sequence: reader.number() };
}

/** Where all timers stand. */
export function timerRange(): { from: Uint8Array; until: Uint8Array } {
  const from = keyOf("timer");
  return { from, until: endOfPrefix(from) };
}
