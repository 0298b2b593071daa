/**
 * The expiry index: which state, idempotency key or call to look at when, so that what has expired leaves
 * the store some day. Sweeping is lazy and bounded; whether something has expired is judged exactly by
 * whoever reads it.
 *
 * A state stands in the index at most once, at a time not later than its earliest expiry. A refresh does
 * not move the entry: when its time comes, the state is looked at and entered anew.
 */
import { KeyReader, keyOf } from "../store/keys.ts";
import type { Epochs } from "./epochs.ts";
import type { Reads } from "./reads.ts";

export type ExpiryKind = "state" | "once" | "call";

const SWEEP_EVERY_MS = 10_000;
const SWEEP_LIMIT = 500;

export class Expiries {
  readonly #epochs: Epochs;
  readonly #reads: Reads;
  #nextSweepMs = 0;
  /** Where the next sweep begins: behind what the last one has seen and may not be gone yet. */
  #from = keyOf("expiry");
  #isSweeping = false;

  constructor(epochs: Epochs, reads: Reads) {
    this.#epochs = epochs;
    this.#reads = reads;
  }

  /** Enters a state at its earliest expiry, or takes it out when nothing of it expires. */
  schedule(
    kind: ExpiryKind,
    key: Uint8Array,
    record: { sweepAtMs: number },
    atMs: number | undefined,
  ): void {
    const entered = record.sweepAtMs;
    if (atMs !== undefined && entered !== 0 && entered <= atMs) return;
    if (entered !== 0) this.#epochs.write(expiryKey(entered, kind, key), undefined);
    record.sweepAtMs = atMs ?? 0;
    if (atMs !== undefined) this.enter(kind, key, atMs);
  }

  /** Enters a key that expires once, at a fixed time. */
  enter(kind: ExpiryKind, key: Uint8Array, atMs: number): void {
    this.#epochs.write(expiryKey(atMs, kind, key), new Uint8Array(0));
  }

  /**
   * Looks through what is due, now and then. `found` removes or renews, and calls `done` in the same step:
   * the entry leaves the index in the epoch that holds what became of it.
   */
  sweep(
    nowMs: number,
    found: (kind: ExpiryKind, key: Uint8Array, atMs: number, done: () => void) => void,
  ): void {
    if (this.#isSweeping) return;
    const restMs = this.#nextSweepMs - nowMs;
    if (restMs > 0 && restMs <= SWEEP_EVERY_MS) return; // longer: the clock went back
    this.#isSweeping = true;
    const range = { from: this.#from, until: keyOf("expiry", nowMs + 1), limit: SWEEP_LIMIT };
    this.#reads.scan(range, (entries) => {
      const last = entries.length === SWEEP_LIMIT ? entries.at(-1)?.key : undefined;
      let open = entries.length;
      const end = () => {
        this.#isSweeping = false;
        this.#nextSweepMs = last === undefined ? nowMs + SWEEP_EVERY_MS : nowMs;
        this.#from = last === undefined ? keyOf("expiry") : Buffer.concat([last, Buffer.of(0)]);
      };
      if (open === 0) end();
      for (const entry of entries) {
        const reader = new KeyReader(entry.key);
        const atMs = reader.number();
        const kind = reader.text() as ExpiryKind;
        found(kind, reader.rest(), atMs, () => {
          this.#epochs.write(entry.key, undefined);
          if (--open === 0) end();
        });
      }
    });
  }

  /** When the next sweep is due. */
  get wakeAtMs(): number | undefined {
    return this.#isSweeping ? undefined : this.#nextSweepMs;
  }
}

function expiryKey(atMs: number, kind: ExpiryKind, key: Uint8Array): Uint8Array {
  return keyOf("expiry", atMs, kind, key);
}
