/**
 * The states of addresses in memory: a cache over the store, bounded in bytes, least recently used out
 * first.
 *
 * A state that changed stays until its epoch is durable: until then memory alone has it. While a state is
 * being read it is not in memory, so nothing can change what the read has already seen.
 *
 * Of types that have declared no states nothing was ever stored (specs.ts): nothing is read for them, and nothing
 * kept.
 */

import { Chain } from "../base/chain.ts";
import { type Address, addressKey } from "../model/address.ts";
import { KeyReader, keyOf } from "../store/keys.ts";
import { decodeState } from "../store/records/state.ts";
import { AddressState } from "./address-state.ts";
import type { Epochs } from "./epochs.ts";
import type { Expiries } from "./expiries.ts";
import type { Reads } from "./reads.ts";

/** How many that may not be dropped are passed over before the search for one that may ends. */
const EVICTION_TRIES = 32;

export class States {
  readonly #epochs: Epochs;
  readonly #reads: Reads;
  readonly #expiries: Expiries;
  readonly #maxBytes: number;
  readonly #cached = new Map<string, AddressState>();
  /** The one used longest ago first. */
  readonly #uses = new Chain<AddressState>();
  readonly #dirty = new Map<AddressState, Address>();
  /** Being read, and who waits for it: a state is read once at a time. */
  readonly #loading = new Map<string, ((state: AddressState) => void)[]>();
  #bytes = 0;

  constructor(epochs: Epochs, reads: Reads, expiries: Expiries, maxBytes: number) {
    this.#epochs = epochs;
    this.#reads = reads;
    this.#expiries = expiries;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The state if it is in memory; counts as a use. */
  cached(key: string): AddressState | undefined {
    const state = this.#cached.get(key);
    if (state !== undefined) this.#uses.append(state);
    return state;
  }

  /** The state of an address whose type has declared none; it is kept if it is changed after all. */
  none(key: string): AddressState {
    return new AddressState(key);
  }

  /** Calls `then` with the state: at once when it is in memory, else when it has been read. */
  load(address: Address, then: (state: AddressState) => void): void {
    const key = addressKey(address);
    const known = this.cached(key);
    if (known !== undefined) return then(known);
    const waiting = this.#loading.get(key);
    if (waiting !== undefined) {
      waiting.push(then);
      return;
    }
    const all = [then];
    this.#loading.set(key, all);
    this.#reads.get(stateKey(address), (bytes) => {
      this.#loading.delete(key);
      const state = new AddressState(key, bytes === undefined ? undefined : decodeState(bytes));
      this.#keep(state);
      for (const each of all) each(state);
      this.#evict();
    });
  }

  /** Runs a change, which tells whether there was one; it is part of the epoch being filled. */
  change(address: Address, state: AddressState, change: () => boolean): void {
    // Its type has declared states since it was called: this is the first of them.
    if (!state.isKept) this.#keep(state);
    const before = state.bytes;
    if (!change()) return;
    this.#bytes += state.bytes - before;
    const weight = this.#dirty.has(state) ? state.bytes - before : state.bytes;
    this.#epochs.weigh(weight);
    state.changedInEpoch = this.#epochs.current;
    this.#dirty.set(state, address);
    this.#epochs.touch();
  }

  /** The expiry index names this state: removes what has expired, enters anew. `done`: the entry may go. */
  sweep(key: Uint8Array, atMs: number, done: () => void): void {
    const reader = new KeyReader(key);
    const address = { type: reader.text(), id: reader.text() };
    this.load(address, (state) => {
      done();
      if (state.sweepAtMs !== atMs) return; // the entry was an older one
      this.change(address, state, () => {
        state.sweepAtMs = 0;
        state.expire(this.#epochs.nowMs);
        return true;
      });
    });
  }

  /** I3: writes every changed state once, for the epoch that is about to be committed. */
  write(): void {
    for (const [state, address] of this.#dirty) {
      const key = stateKey(address);
      this.#expiries.schedule("state", key, state, state.nextExpiryMs());
      this.#epochs.write(key, state.isEmpty ? undefined : state.encode());
    }
    this.#dirty.clear();
    this.#evict();
  }

  #keep(state: AddressState): void {
    state.isKept = true;
    this.#cached.set(state.key, state);
    this.#uses.append(state);
    this.#bytes += state.bytes;
  }

  #evict(): void {
    for (let tries = EVICTION_TRIES; tries > 0 && this.#bytes > this.#maxBytes; ) {
      const state = this.#uses.first;
      if (state === undefined) return;
      if (state.pins > 0 || state.changedInEpoch > this.#epochs.committed) {
        // To the end, so that the next search begins behind it.
        this.#uses.append(state);
        tries--;
      } else {
        this.#uses.remove(state);
        this.#cached.delete(state.key);
        state.isKept = false;
        this.#bytes -= state.bytes;
      }
    }
  }
}

export function stateKey(address: Address): Uint8Array {
  return keyOf("state", address.type, address.id);
}
