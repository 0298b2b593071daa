/**
 * All states of one address as the protocol carries them, with their expiry.
 *
 * Expiry is judged by the partition's clock whenever a request is built, so an expired value is never
 * sent, however late the sweep that removes it from the store.
 */
import { Few } from "../base/few.ts";
import { type Packed, packed, unpacked } from "../base/packed.ts";
import type { StateSpec } from "../model/invocation.ts";
import { encodeEmptyStateEntry, encodeStateEntry } from "../model/persisted-value.ts";
import { encodeState, type StateRecord } from "../store/records/state.ts";

/** Around an address in memory, by heap snapshot: its object, its place in maps, its key and values as texts. */
const FLAT_BYTES = 260;
/** Around each value behind the first. */
const VALUE_BYTES = 100;

/** One for all to whom nothing happens with time; nobody enters any. */
const NONE = new Few<number>();

export class AddressState {
  readonly key: string;
  /** When it stands in the index of what expires (expiries.ts); 0: it does not. */
  sweepAtMs: number;
  /** The last epoch with a change; it may be dropped from memory once that one is durable. */
  changedInEpoch = 0;
  /** Uses that forbid dropping it: an invocation in preparation or in flight. */
  pins = 0;
  /** It stays when nobody uses it: states.ts. */
  isKept = false;
  /** The states used next before and after it: chain.ts. */
  before: AddressState | undefined = undefined;
  after: AddressState | undefined = undefined;
  readonly #entries: Few<Packed>;
  /** Undefined: nothing ever expires, as with most. */
  #expiries: Few<number> | undefined;
  /** Of all entries. */
  #length = 0;

  constructor(key: string, record?: StateRecord) {
    this.key = key;
    this.sweepAtMs = record?.sweepAtMs ?? 0;
    this.#expiries =
      record === undefined || record.expiries.size === 0 ? undefined : record.expiries;
    this.#entries = new Few();
    for (const [name, entry] of record?.entries ?? []) this.#put(name, entry);
  }

  /** What it takes in memory, about. */
  get bytes(): number {
    const more = Math.max(0, this.#entries.size - 1);
    return FLAT_BYTES + this.key.length + more * VALUE_BYTES + this.#length;
  }

  /** The bytes of one value, with its name and type; 0 when there is none. */
  bytesOf(name: string): number {
    return this.#entries.get(name)?.length ?? 0;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** It has values that do not last. */
  get isMortal(): boolean {
    return this.#expiries !== undefined;
  }

  set(spec: StateSpec, value: Uint8Array, nowMs: number): void {
    this.remove(spec.name);
    this.#put(spec.name, encodeStateEntry(spec.name, spec.typename, value));
    if (spec.expireMode !== "never") this.#expire(spec.name, nowMs + spec.expireAfterMs);
  }

  remove(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    this.#length -= entry.length;
    this.#entries.delete(name);
    if (this.#expiries?.delete(name) && this.#expiries.size === 0) this.#expiries = undefined;
    return true;
  }

  /** Removes what has expired. True when something was. */
  expire(nowMs: number): boolean {
    let changed = false;
    for (const [name, atMs] of this.#expiries ?? []) {
      if (atMs <= nowMs) changed = this.remove(name) || changed;
    }
    return changed;
  }

  /** Counts an invocation: values that live by use live on from now. True when something changed. */
  refresh(specs: Iterable<StateSpec>, nowMs: number): boolean {
    let changed = false;
    for (const spec of specs) {
      if (spec.expireMode !== "afterInvoke" || !this.#entries.has(spec.name)) continue;
      const atMs = nowMs + spec.expireAfterMs;
      if (this.#expiries?.get(spec.name) === atMs) continue;
      this.#expire(spec.name, atMs);
      changed = true;
    }
    return changed;
  }

  /** What a request carries: an entry for every registered state, and all that is stored besides. */
  request(specs: ReadonlyMap<string, StateSpec>): Uint8Array[] {
    const entries = this.#entries.values().map(unpacked);
    for (const name of specs.keys()) {
      if (!this.#entries.has(name)) entries.push(encodeEmptyStateEntry(name));
    }
    return entries;
  }

  /** As the store holds it. */
  encode(): Uint8Array {
    const entries = new Few<Uint8Array>();
    for (const name of this.#entries.keys())
      entries.set(name, unpacked(this.#entries.get(name) ?? ""));
    return encodeState({ entries, expiries: this.#expiries ?? NONE, sweepAtMs: this.sweepAtMs });
  }

  /** The earliest expiry; undefined when nothing expires. */
  nextExpiryMs(): number | undefined {
    let next: number | undefined;
    for (const atMs of this.#expiries?.values() ?? []) {
      if (next === undefined || atMs < next) next = atMs;
    }
    return next;
  }

  #put(name: string, entry: Uint8Array): void {
    this.#entries.set(name, packed(entry));
    this.#length += entry.byteLength;
  }

  #expire(name: string, atMs: number): void {
    this.#expiries ??= new Few();
    this.#expiries.set(name, atMs);
  }
}
