/**
 * Delayed messages: in the store from the commit of the epoch that made them until they fire, in memory
 * only for the next short window.
 *
 * The horizon is a timer key. Every timer before it is in memory; at or behind it, only those are whose
 * epoch is not durable yet, since a read of the store might miss them. The horizon moves forward by
 * reading the next run of keys, and backward when memory is full.
 *
 * What is due waits until its function has room (due-timers.ts), and counts as in memory meanwhile. So that a
 * function which has none does not hide the timers of others behind the horizon (I6), its timers go to its
 * mailboxes at a steady pace while memory is full and the horizon in the past.
 *
 * I10: the next wake-up is the earlier of the first timer and the time to look behind the horizon.
 */

import { Chain, type Linked } from "../base/chain.ts";
import { Heap } from "../base/heap.ts";
import { messageBytes } from "../model/message.ts";
import type { Entry } from "../store/contract.ts";
import { endOfPrefix, KeyReader, keyOf } from "../store/keys.ts";
import { decodeTimer, encodeTimer, type TimerRecord } from "../store/records/timer.ts";
import { DueTimers, type Room } from "./due-timers.ts";
import type { Epochs } from "./epochs.ts";
import type { Ledger } from "./ledger.ts";
import type { PartitionLimits } from "./limits.ts";
import type { Reads } from "./reads.ts";

/** How far ahead the horizon is moved, and how close it may come before it is moved again. */
const WINDOW_MS = 60_000;
const LOAD_LIMIT = 4_096;
const LOAD_BYTES = 8 * 1024 * 1024;

/** Fired in one turn at most, so that a turn stays short; the next turn follows at once. */
const FIRE_LIMIT = 1_000;
/** Timers without room that hide others: so many leave memory each ms, and it is looked to so often. */
const SPILLED_PER_MS = 5;
const SPILL_EVERY_MS = 50;

/** Keys sort by time, then by sequence: timers of one time fire in the order they were made. */
export interface TimerKey {
  readonly dueMs: number;
  readonly sequence: number;
}

/** Those the next commit must write are a {@link Chain}. */
interface Timer extends TimerKey, Linked<Timer> {
  readonly record: TimerRecord;
  readonly bytes: number;
  readonly epoch: number;
  written: boolean;
  gone: boolean;
}

/** What may be in memory at once; twice as much for moments. */
type TimerBounds = Pick<PartitionLimits, "timersInMemory" | "timerBytesInMemory">;

const before = (a: TimerKey, b: TimerKey): boolean =>
  a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);

export class Timers {
  readonly #epochs: Epochs;
  readonly #reads: Reads;
  readonly #ledger: Ledger;
  readonly #max: TimerBounds;
  /** Those that are gone stay until their time, or until it is trimmed: they count, too. */
  readonly #due = new Heap<Timer>(before);
  /** Their time has come. */
  readonly #waiting = new DueTimers<Timer>();
  /** Of both. */
  #bytes = 0;
  readonly #room: Room;
  /** While others are hidden: when it was last looked to, and how many should have left by then. */
  #full: { readonly atMs: number; readonly owed: number } | undefined;
  /** Every timer in memory, by sequence. */
  readonly #known = new Map<number, Timer>();
  /** Behind the horizon, and not to be found in the store for certain. */
  readonly #recent = new Map<number, Timer>();
  readonly #unwritten = new Chain<Timer>();
  #horizon: TimerKey = { dueMs: 0, sequence: 0 };
  /** Removed in these epochs, by sequence: a read of the store may still show them. */
  readonly #removed = new Map<number, number>();
  #isReading = false;

  constructor(epochs: Epochs, reads: Reads, ledger: Ledger, max: TimerBounds, room: Room) {
    this.#epochs = epochs;
    this.#reads = reads;
    this.#ledger = ledger;
    this.#max = max;
    this.#room = room;
  }

  get inMemory(): number {
    return this.#known.size;
  }

  /** How many of them it holds, cancelled ones included. */
  get held(): number {
    return this.#due.size + this.#waiting.count;
  }

  /** What they weigh. */
  get bytesInMemory(): number {
    return this.#bytes;
  }

  add(key: TimerKey, record: TimerRecord): void {
    const bytes = messageBytes(record.message);
    const epoch = this.#epochs.current;
    const timer = timerOf(key, record, bytes, epoch, false);
    this.#ledger.timers++;
    this.#epochs.touch();
    this.#epochs.weigh(bytes);
    this.#unwritten.append(timer);
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

  /** Takes out what is due, the earliest first, as far as it can be delivered and the epoch has room. */
  fire(nowMs: number, fire: (record: TimerRecord) => void): void {
    const take = (timer: Timer): boolean => {
      if (!timer.gone && this.#epochs.isHeavy) return false;
      this.#bytes -= timer.bytes;
      if (timer.gone) return true;
      this.#remove(timer);
      fire(timer.record);
      return true;
    };
    for (let seen = 0; seen < FIRE_LIMIT && !this.#epochs.isHeavy; seen++) {
      const next = this.#due.peek();
      if (next === undefined || (!next.gone && next.dueMs > nowMs)) break;
      this.#due.pop();
      if (!next.gone && this.#room.waits(next.record.message.target)) this.#waiting.add(next);
      else take(next);
    }
    const left = this.#waiting.release(this.#room, FIRE_LIMIT, take);
    this.#spill(nowMs, FIRE_LIMIT - left, take);
  }

  #spill(nowMs: number, released: number, take: (timer: Timer) => boolean): void {
    const last = this.#full;
    this.#full = undefined;
    if (!this.#hides(nowMs)) return;
    // A clock that jumps counts for little.
    const passedMs = Math.min(Math.max(nowMs - (last?.atMs ?? nowMs), 0), 2 * SPILL_EVERY_MS);
    const owed = Math.max((last?.owed ?? 0) + passedMs * SPILLED_PER_MS - released, -FIRE_LIMIT);
    this.#full = { atMs: nowMs, owed: Math.min(owed, 0) };
    if (owed > 0) this.#waiting.spill(owed, take);
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
    for (let next = this.#unwritten.shift(); next !== undefined; next = this.#unwritten.shift()) {
      next.written = true;
      this.#epochs.write(timerKey(next), encodeTimer(next.record));
    }
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
    if (this.#waiting.hasRoom(this.#room)) return nowMs;
    const first = this.#due.peek()?.dueMs ?? Number.POSITIVE_INFINITY;
    const look =
      this.#isReading || this.#isFull
        ? Number.POSITIVE_INFINITY
        : Math.max(nowMs, this.#horizon.dueMs - WINDOW_MS);
    // With nothing read ahead, those behind the horizon are hidden from then on.
    const hidden = this.#hides(nowMs) ? nowMs + SPILL_EVERY_MS : this.#horizon.dueMs;
    const isHeld = this.#isFull && this.#waiting.count > 0;
    const wake = Math.min(first, look, isHeld ? hidden : Number.POSITIVE_INFINITY);
    return wake === Number.POSITIVE_INFINITY ? undefined : wake;
  }

  #loaded(entries: readonly Entry[], until: TimerKey): void {
    this.#isReading = false;
    let last: TimerKey | undefined;
    for (const entry of entries) {
      last = readTimerKey(entry.key);
      if (this.#removed.has(last.sequence) || this.#recent.has(last.sequence)) continue;
      if (this.#known.has(last.sequence)) continue; // it waits for room: the horizon may have moved before it
      const record = decodeTimer(entry.value);
      const bytes = messageBytes(record.message);
      this.#keep(timerOf(last, record, bytes, 0, true));
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
    this.#bytes += timer.bytes;
    this.#due.push(timer);
  }

  #remove(timer: Timer): void {
    timer.gone = true;
    this.#known.delete(timer.sequence);
    this.#recent.delete(timer.sequence);
    this.#ledger.timers--;
    this.#epochs.touch();
    if (!timer.written) return this.#unwritten.remove(timer);
    this.#epochs.write(timerKey(timer), undefined);
    this.#removed.set(timer.sequence, this.#epochs.current);
  }

  /** What waits for room keeps others from being read whose time has come. */
  #hides(nowMs: number): boolean {
    return this.#isFull && this.#waiting.count > 0 && this.#horizon.dueMs <= nowMs;
  }

  get #isFull(): boolean {
    const { timersInMemory, timerBytesInMemory } = this.#max;
    return this.held >= timersInMemory || this.#bytes >= timerBytesInMemory;
  }

  /** With twice a bound in memory, the later ones go back behind the horizon. */
  #trim(): void {
    const { timersInMemory, timerBytesInMemory } = this.#max;
    const isOver = this.held > 2 * timersInMemory || this.#bytes > 2 * timerBytesInMemory;
    if (this.#isReading || !isOver) return;
    const drained = this.#due.drain();
    for (const timer of drained) this.#bytes -= timer.bytes;
    const all = drained.filter((timer) => !timer.gone);
    let kept = 0;
    // Full to a bound again, not below: else what was dropped would be read back at once.
    for (const timer of all) {
      if (this.#isFull) break;
      this.#due.push(timer);
      this.#bytes += timer.bytes;
      kept++;
    }
    const dropped = all.slice(kept);
    const [first] = dropped;
    if (first === undefined) return;
    this.#horizon = { dueMs: first.dueMs, sequence: first.sequence };
    for (const timer of dropped) {
      this.#known.delete(timer.sequence);
      const isDurable = timer.written && timer.epoch <= this.#epochs.committed;
      if (!isDurable) this.#recent.set(timer.sequence, timer);
    }
  }
}

/** Written out: a spread costs microseconds. */
function timerOf(
  { dueMs, sequence }: TimerKey,
  record: TimerRecord,
  bytes: number,
  epoch: number,
  written: boolean,
): Timer {
  return {
    dueMs,
    sequence,
    record,
    bytes,
    epoch,
    written,
    gone: false,
    before: undefined,
    after: undefined,
  };
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
