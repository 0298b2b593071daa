/** What was given up, whole, with its reason: in the store until a person retries or purges it. */
import { clip } from "../base/clip.ts";
import type { ErrorCode } from "../base/errors.ts";
import { type Address, MAX_TYPE_LENGTH } from "../model/address.ts";
import { endOfPrefix, KeyReader, keyOf } from "../store/keys.ts";
import { type DeadRecord, decodeDead, encodeDead } from "../store/records/dead.ts";
import type { OutboxEffect } from "../store/records/outbox.ts";
import type { Epochs } from "./epochs.ts";
import type { Identity } from "./identity.ts";
import type { Ledger } from "./ledger.ts";
import type { Reads } from "./reads.ts";

/** Reasons quote what functions say, of any length: no more of one is kept. */
export const REASON_MAX_CHARS = 2_000;

export interface Death {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly what: OutboxEffect;
  readonly address?: Address | undefined;
  readonly attempts?: number;
  readonly source?: string;
  readonly egress?: string;
}

export class DeadLetters {
  readonly #epochs: Epochs;
  readonly #reads: Reads;
  readonly #ledger: Ledger;
  readonly #identity: Identity;

  constructor(epochs: Epochs, reads: Reads, ledger: Ledger, identity: Identity) {
    this.#epochs = epochs;
    this.#reads = reads;
    this.#ledger = ledger;
    this.#identity = identity;
  }

  add(death: Death): void {
    const record: DeadRecord = {
      code: death.code,
      reason: clip(death.reason, REASON_MAX_CHARS),
      atMs: this.#epochs.nowMs,
      attempts: death.attempts ?? 0,
      address: death.address,
      what: death.what,
      source: death.source ?? "",
      egress: clip(death.egress ?? "", MAX_TYPE_LENGTH),
    };
    this.#ledger.dead++;
    this.#epochs.writeVisible(deadKey(this.#identity.sequence()), encodeDead(record));
  }

  /**
   * Looks one up; `then` gets undefined when there is none of this number. Whoever gets one may remove it,
   * at once.
   */
  find(number: number, then: (record: DeadRecord | undefined) => void): void {
    // It comes from outside, and the first that no key can hold would end the partition (I6).
    if (!Number.isSafeInteger(number) || number < 0) return then(undefined);
    this.#reads.get(deadKey(number), (bytes) =>
      then(bytes === undefined ? undefined : decodeDead(bytes)),
    );
  }

  /** Takes one out for good that was just found. */
  remove(number: number): void {
    this.#epochs.writeVisible(deadKey(number), undefined);
    this.#ledger.dead--;
  }
}

export function deadKey(number: number): Uint8Array {
  return keyOf("dead", number);
}

export function readDeadKey(key: Uint8Array): number {
  return new KeyReader(key).number();
}

/** Where all dead letters stand, oldest first. */
export function deadRange(): { from: Uint8Array; until: Uint8Array } {
  const from = keyOf("dead");
  return { from, until: endOfPrefix(from) };
}
