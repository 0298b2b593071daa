/**
 * All states of one address as the protocol carries them, with their expiry.
 *
 * Expiry is judged by the partition's clock whenever a request is built, so an expired value is never
 * sent, however late the sweep that removes it from the store.
 */
import { Few } from "../base/few.ts";
import type { StateSpec } from "../model/invocation.ts";
import { encodeEmptyStateEntry, encodeStateEntry } from "../model/persisted-value.ts";
import type { StateRecord } from "../store/records/state.ts";

/** Around an address in memory: maps, key, bookkeeping. */
const FLAT_BYTES = 300;

export class AddressState {
  readonly key: string;
  readonly record: StateRecord;
  /** The last epoch with a change; it may be dropped from memory once that one is durable. */
  changedInEpoch = 0;
  /** Uses that forbid dropping it: an invocation in preparation or in flight. */
  pins = 0;
  /** It stays when nobody uses it: states.ts. */
  isKept = false;
  /** The states used next before and after it: chain.ts. */
  before: AddressState | undefined;
  after: AddressState | undefined;
  #bytes: number;

  constructor(key: string, record?: StateRecord) {
    this.key = key;
    this.record = record ?? { entries: new Few(), expiries: new Few(), sweepAtMs: 0 };
    this.#bytes = FLAT_BYTES + 2 * key.length;
    for (const entry of this.record.entries.values()) this.#bytes += entry.byteLength;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The bytes of one value, with its name and type; 0 when there is none. */
  bytesOf(name: string): number {
    return this.record.entries.get(name)?.byteLength ?? 0;
  }

  get isEmpty(): boolean {
    return this.record.entries.size === 0;
  }

  set(spec: StateSpec, value: Uint8Array, nowMs: number): void {
    this.remove(spec.name);
    const entry = encodeStateEntry(spec.name, spec.typename, value);
    this.record.entries.set(spec.name, entry);
    this.#bytes += entry.byteLength;
    if (spec.expireMode !== "never") {
      this.record.expiries.set(spec.name, nowMs + spec.expireAfterMs);
    }
  }

  remove(name: string): boolean {
    const entry = this.record.entries.get(name);
    if (entry === undefined) return false;
    this.#bytes -= entry.byteLength;
    this.record.entries.delete(name);
    this.record.expiries.delete(name);
    return true;
  }

  /** Removes what has expired. True when something was. */
  expire(nowMs: number): boolean {
    let changed = false;
    for (const [name, atMs] of this.record.expiries) {
      if (atMs <= nowMs) changed = this.remove(name) || changed;
    }
    return changed;
  }

  /** Counts an invocation: values that live by use live on from now. True when something changed. */
  refresh(specs: Iterable<StateSpec>, nowMs: number): boolean {
    let changed = false;
    for (const spec of specs) {
      if (spec.expireMode !== "afterInvoke" || !this.record.entries.has(spec.name)) continue;
      const atMs = nowMs + spec.expireAfterMs;
      if (this.record.expiries.get(spec.name) === atMs) continue;
      this.record.expiries.set(spec.name, atMs);
      changed = true;
    }
    return changed;
  }

  /** What a request carries: an entry for every registered state, and all that is stored besides. */
  request(specs: ReadonlyMap<string, StateSpec>): Uint8Array[] {
    const entries = this.record.entries.values();
    for (const name of specs.keys()) {
      if (!this.record.entries.has(name)) entries.push(encodeEmptyStateEntry(name));
    }
    return entries;
  }

  /** The earliest expiry; undefined when nothing expires. */
  nextExpiryMs(): number | undefined {
    let next: number | undefined;
    for (const atMs of this.record.expiries.values()) {
      if (next === undefined || atMs < next) next = atMs;
    }
    return next;
  }
}
