/**
 * How much a partition has taken on and not finished, against the bounds of limits.ts, and so whether more may
 * come (I9). What functions send is never refused: whoever brings something from outside asks first.
 */
import { hasShare } from "../base/shares.ts";
import type { Barrier } from "./barrier.ts";
import type { Ledger } from "./ledger.ts";
import type { PartitionLimits } from "./limits.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Parking } from "./parking.ts";
import { Weight } from "./weight.ts";

export interface CapacityParts {
  readonly limits: PartitionLimits;
  readonly ledger: Ledger;
  readonly mailboxes: Mailboxes;
  readonly parking: Parking;
  readonly barrier: Barrier;
}

export class Capacity {
  /** Of the inputs that wait to be applied. */
  readonly offered = new Weight();
  readonly #parts: CapacityParts;

  constructor(parts: CapacityParts) {
    this.#parts = parts;
  }

  /** Accepted messages that are neither done, nor dead, nor waiting for a person or their time. */
  get unfinished(): number {
    const { ledger, mailboxes } = this.#parts;
    return ledger.mail - mailboxes.parkedCount + ledger.outbox;
  }

  /** The bound that is reached, by its name in limits.ts; undefined while there is room. */
  get fullBy(): keyof PartitionLimits | undefined {
    const { limits, ledger, parking } = this.#parts;
    const { messages, bytes } = this.#weight();
    if (messages >= limits.unfinishedMessages) return "unfinishedMessages";
    if (bytes >= limits.unfinishedBytes) return "unfinishedBytes";
    if (ledger.outboxBytes >= limits.outboxBytes) return "outboxBytes";
    return parking.size >= limits.parkedAddresses ? "parkedAddresses" : undefined;
  }

  /** I6: a type whose endpoint is down fills its share of the bound, and others find theirs. */
  hasRoomFor(type: string): boolean {
    if (this.fullBy !== undefined) return false;
    const { limits, mailboxes } = this.#parts;
    const own = mailboxes.unfinishedOf(type);
    const { messages, bytes } = this.#weight();
    return (
      hasShare(own.messages, messages, limits.unfinishedMessages) &&
      hasShare(own.bytes, bytes, limits.unfinishedBytes)
    );
  }

  /** Of what is unfinished, and of what will be: inputs that wait for their turn, or for a cut. */
  #weight(): { readonly messages: number; readonly bytes: number } {
    const { heldWeight } = this.#parts.barrier;
    return {
      messages: this.unfinished + this.offered.messages + heldWeight.messages,
      bytes: this.#parts.mailboxes.unfinishedBytes + this.offered.bytes + heldWeight.bytes,
    };
  }
}
