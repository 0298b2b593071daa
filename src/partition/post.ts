/**
 * Where a message goes: to a mailbox here, to another partition, to a waiting caller, or to the dead
 * letters with its reason. Nothing a message contains can do more than that (I6).
 */

import { type Address, addressProblem } from "../model/address.ts";
import type { Message } from "../model/message.ts";
import { CALL_TYPE, ownerOf } from "../model/owner.ts";
import type { EgressEffect } from "../store/records/outbox.ts";
import type { Calls } from "./calls.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Identity } from "./identity.ts";
import type { Ledger } from "./ledger.ts";
import type { Mailbox, Pending } from "./mailbox.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Outboxes } from "./outboxes.ts";
import type { Directory } from "./ports.ts";

export interface PostParts {
  readonly identity: Identity;
  readonly ledger: Ledger;
  readonly directory: Directory;
  readonly mailboxes: Mailboxes;
  readonly outboxes: Outboxes;
  readonly deadLetters: DeadLetters;
  readonly calls: Calls;
  readonly parkedMessages: number;
  /** A mailbox has mail: see to it that it is served. */
  readonly onMail: (mailbox: Mailbox) => void;
}

export class Post {
  readonly #parts: PostParts;

  constructor(parts: PostParts) {
    this.#parts = parts;
  }

  /** Takes a new message into the partition's care. */
  accept(message: Message): void {
    this.#parts.ledger.accepted++;
    this.route(message);
  }

  /** The same for a message that may be fleeting (mailboxes.ts). Undefined: it has gone elsewhere. */
  acceptFleeting(message: Message): Pending | undefined {
    this.#parts.ledger.accepted++;
    if (this.endsHere(message.target)) return this.deliver(message, true);
    this.route(message);
    return undefined;
  }

  /** Sends a message on that is in the partition's care already. */
  route(message: Message, source = ""): void {
    const { target } = message;
    const problem = addressProblem(target);
    if (problem !== undefined) return this.#die(message, "TARGET_INVALID", problem, source);
    const { partition, partitionCount } = this.#parts.identity;
    const owner = ownerOf(target, partitionCount);
    if (owner === undefined) {
      return this.#die(message, "TARGET_INVALID", `no call has the id ${target.id}`, source);
    }
    if (target.type !== CALL_TYPE && this.#parts.directory.function(target.type) === undefined) {
      const reason = `no endpoint of the module takes functions of type ${target.type}`;
      return this.#die(message, "TARGET_UNKNOWN", reason, source);
    }
    if (owner === partition) void this.deliver(message);
    else this.#parts.outboxes.toPartition(owner).add({ kind: "message", message });
  }

  /** Messages to this target end in a mailbox here, and a function of the module is called with them. */
  endsHere(target: Address): boolean {
    if (addressProblem(target) !== undefined) return false;
    const { partition, partitionCount } = this.#parts.identity;
    if (ownerOf(target, partitionCount) !== partition) return false;
    return this.#parts.directory.function(target.type) !== undefined;
  }

  /** Puts a message into its mailbox here. Undefined: it is dealt with already. */
  deliver(message: Message, fleeting = false): Pending | undefined {
    const { target } = message;
    if (target.type === CALL_TYPE && this.#parts.calls.reply(target.id, message.value)) {
      this.#parts.ledger.finished++;
      return undefined;
    }
    const mailbox = this.#parts.mailboxes.of(target);
    if (mailbox.phase.kind === "parked" && mailbox.count >= this.#parts.parkedMessages) {
      const reason = `${mailbox.key} is parked, with ${mailbox.count} messages waiting`;
      this.#die(message, "MAILBOX_FULL", reason, "");
      return undefined;
    }
    const sequence = this.#parts.identity.sequence();
    const pending = this.#parts.mailboxes.append(mailbox, message, sequence, fleeting);
    this.#parts.onMail(mailbox);
    return pending;
  }

  /** Takes a record for an egress into the partition's care. */
  publish(egress: string, record: EgressEffect): void {
    this.#parts.ledger.accepted++;
    this.republish(egress, record);
  }

  /** The same for a record that is in its care already. */
  republish(egress: string, record: EgressEffect): void {
    const binding = this.#parts.directory.egress(egress);
    const reason =
      binding === undefined ? `the module has no egress ${egress}` : binding.check(record.value);
    if (reason === undefined) {
      return this.#parts.outboxes.toEgress(egress).add({ kind: "record", record });
    }
    this.#parts.deadLetters.add({
      code: binding === undefined ? "EGRESS_UNKNOWN" : "EGRESS_VALUE_INVALID",
      reason,
      what: { kind: "record", record },
      address: record.sender,
      egress,
    });
  }

  #die(
    message: Message,
    code: "TARGET_INVALID" | "TARGET_UNKNOWN" | "MAILBOX_FULL",
    reason: string,
    source: string,
  ): void {
    this.#parts.deadLetters.add({
      code,
      reason,
      what: { kind: "message", message },
      address: message.caller ?? message.target,
      source,
    });
  }
}
