/**
 * Addresses that wait for a person: their messages are kept, in order, and nothing is delivered. Parking
 * one address delays no other (I6), and its mail does not count against the bound of unfinished work.
 */
import { clip } from "../base/clip.ts";
import type { ErrorCode } from "../base/errors.ts";
import { type Address, addressKey } from "../model/address.ts";
import { endOfPrefix, keyOf } from "../store/keys.ts";
import { encodeParked, type ParkedRecord } from "../store/records/parked.ts";
import { REASON_MAX_CHARS } from "./dead-letters.ts";
import type { Epochs } from "./epochs.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Mailboxes } from "./mailboxes.ts";

export class Parking {
  readonly #epochs: Epochs;
  readonly #mailboxes: Mailboxes;
  readonly #parked = new Map<string, ParkedRecord>();
  #latest: ParkedRecord | undefined;

  constructor(epochs: Epochs, mailboxes: Mailboxes) {
    this.#epochs = epochs;
    this.#mailboxes = mailboxes;
  }

  get size(): number {
    return this.#parked.size;
  }

  /** Parked last, while it is. */
  get latest(): ParkedRecord | undefined {
    return this.#latest;
  }

  get(address: Address): ParkedRecord | undefined {
    return this.#parked.get(addressKey(address));
  }

  /** A record found in the store at opening. */
  restore(record: ParkedRecord): void {
    this.#latest = record;
    this.#parked.set(addressKey(record.address), record);
    this.#mailboxes.park(this.#mailboxes.of(record.address));
  }

  /** A record found in the store at opening whose cause is gone. */
  drop(address: Address): void {
    this.#epochs.write(parkedKey(address), undefined);
  }

  park(mailbox: Mailbox, code: ErrorCode, why: string): void {
    const { address, deliveries } = mailbox;
    const reason = clip(why, REASON_MAX_CHARS);
    const sinceMs = this.#epochs.nowMs;
    const record = { address, code, reason, sinceMs, attempts: deliveries };
    this.#latest = record;
    this.#parked.set(mailbox.key, record);
    this.#mailboxes.park(mailbox);
    this.#epochs.write(parkedKey(address), encodeParked(record));
  }

  /** Ends it; the mailbox is idle afterwards. Undefined when the address was not parked. */
  unpark(address: Address): Mailbox | undefined {
    const key = addressKey(address);
    const record = this.#parked.get(key);
    if (record === undefined) return undefined;
    this.#parked.delete(key);
    if (this.#latest === record) this.#latest = undefined;
    this.#epochs.write(parkedKey(address), undefined);
    const mailbox = this.#mailboxes.of(address);
    this.#mailboxes.unpark(mailbox);
    mailbox.forgive();
    return mailbox;
  }
}

export function parkedKey(address: Address): Uint8Array {
  return keyOf("parked", address.type, address.id);
}

/** Where all parked addresses stand, or those of a function type. */
export function parkedRange(type?: string): { from: Uint8Array; until: Uint8Array } {
  const from = type === undefined ? keyOf("parked") : keyOf("parked", type);
  return { from, until: endOfPrefix(from) };
}
