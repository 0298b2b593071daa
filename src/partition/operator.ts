/**
 * What a person decides about stuck work. A decision about something that is not there, or no longer, is
 * answered so and changes nothing: it may be repeated. One that could only fail is refused before
 * anything is touched.
 */
import { unreachable } from "../base/assert.ts";
import type { Address } from "../model/address.ts";
import type { DeadRecord } from "../store/records/dead.ts";
import type { OutboxEffect } from "../store/records/outbox.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Delivery } from "./delivery.ts";
import type { Epochs } from "./epochs.ts";
import type { Ledger } from "./ledger.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Parking } from "./parking.ts";
import type { Directory, NewTarget, OperatorVerb } from "./ports.ts";
import type { Post } from "./post.ts";

export interface OperatorParts {
  readonly epochs: Epochs;
  readonly ledger: Ledger;
  readonly directory: Directory;
  readonly mailboxes: Mailboxes;
  readonly parking: Parking;
  readonly deadLetters: DeadLetters;
  readonly delivery: Delivery;
  readonly post: Post;
}

export class Operator {
  readonly #parts: OperatorParts;
  /** Parked, and being emptied: their mail is being read. Nothing else may touch it meanwhile. */
  readonly #emptying = new Set<Mailbox>();

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  decide(request: number, verb: OperatorVerb): void {
    const { epochs } = this.#parts;
    const answer: Answer = (found, messages = found === undefined ? 0 : 1, more = false) =>
      epochs.release({ kind: "operated", request, found, messages, more });
    switch (verb.kind) {
      case "retryParked":
      case "skipParked":
      case "purgeParked":
        return this.#decideParked(request, verb, answer);
      case "retryDead":
        return this.#retryDead(request, verb.number, verb.to, answer);
      case "purgeDead":
        return this.#parts.deadLetters.find(verb.number, (record) => {
          if (record === undefined) return answer(undefined);
          this.#parts.deadLetters.remove(verb.number);
          this.#parts.ledger.finished++;
          answer(idOf(record.what));
        });
      default:
        return unreachable(verb);
    }
  }

  #decideParked(
    request: number,
    verb: Extract<OperatorVerb, { readonly address: Address }>,
    answer: Answer,
  ): void {
    const { parking, mailboxes } = this.#parts;
    if (parking.get(verb.address) === undefined) return answer(undefined);
    const mailbox = mailboxes.of(verb.address);
    mailboxes.whenKnown(mailbox, () => this.#decideKnown(request, verb, mailbox, answer));
  }

  #decideKnown(
    request: number,
    verb: Extract<OperatorVerb, { readonly address: Address }>,
    mailbox: Mailbox,
    answer: Answer,
  ): void {
    const { parking, delivery, epochs } = this.#parts;
    const { address } = verb;
    const record = parking.get(address);
    if (record === undefined) return answer(undefined); // somebody was faster
    if (this.#emptying.has(mailbox)) {
      const reason = `${mailbox.key} is being purged at this moment`;
      return epochs.release({ kind: "refused", request, code: "OVERLOADED", reason });
    }
    if (verb.kind === "purgeParked") return this.#purgeParked(mailbox, answer);
    parking.unpark(address);
    if (verb.kind === "retryParked") {
      delivery.proceed(mailbox);
      return answer(mailbox.key);
    }
    const reason = `skipped by an operator; it was parked because: ${record.reason}`;
    delivery.skipFirst(mailbox, { reason, attempts: record.attempts }, answer);
  }

  /** It stays parked until its last message is gone, so that a crash in between finds it parked. */
  #purgeParked(mailbox: Mailbox, answer: Answer): void {
    const { mailboxes, parking, delivery, ledger } = this.#parts;
    this.#emptying.add(mailbox);
    mailboxes.withMail(mailbox, () => {
      this.#emptying.delete(mailbox);
      const count = mailbox.head.size;
      for (let i = 0; i < count; i++) mailboxes.finishFirst(mailbox);
      ledger.finished += count;
      if (mailbox.count === 0) {
        parking.unpark(mailbox.address);
        delivery.proceed(mailbox);
      }
      answer(mailbox.key, count, mailbox.count > 0);
    });
  }

  #retryDead(request: number, number: number, to: NewTarget | undefined, answer: Answer): void {
    const { deadLetters, post, epochs } = this.#parts;
    deadLetters.find(number, (record) => {
      if (record === undefined) return answer(undefined);
      const refusal = to === undefined ? unaddressed(record) : this.#refusal(record, to);
      if (refusal !== undefined) return epochs.release({ kind: "refused", request, ...refusal });
      deadLetters.remove(number);
      const { what } = record;
      if (what.kind === "record") post.republish(to?.type ?? record.egress, what.record);
      else {
        const { target } = what.message;
        const corrected = { type: to?.type ?? target.type, id: to?.id ?? target.id };
        post.route({ ...what.message, target: corrected }, record.source);
      }
      answer(idOf(what));
    });
  }

  /** Why a dead letter cannot go where it is told to: it would only die again. */
  #refusal({ what }: DeadRecord, to: NewTarget) {
    const { directory } = this.#parts;
    if (what.kind === "message") {
      if (directory.function(to.type) === undefined) {
        const reason = `no endpoint of the module takes functions of type ${to.type}`;
        return { code: "TYPE_UNKNOWN", reason } as const;
      }
      const id = to.id ?? what.message.target.id;
      const reason = `it had no id: name one too, as in ${to.type}/ID`;
      return id === "" ? ({ code: "REQUEST_INVALID", reason } as const) : undefined;
    }
    if (to.id !== undefined) {
      const reason = "it is a record for an egress, which has no id behind its name";
      return { code: "REQUEST_INVALID", reason } as const;
    }
    const reason = `the module has no egress ${to.type}`;
    const isKnown = directory.egress(to.type) !== undefined;
    return isKnown ? undefined : ({ code: "NOT_FOUND", reason } as const);
  }
}

/** A record without a key never had an address: sent again as it is, it would die of that, its reason lost. */
function unaddressed({ what }: DeadRecord) {
  if (what.kind === "record" || what.message.target.type !== "") return undefined;
  const reason = "it never had an address: say where it shall go, as in --to TYPE/ID";
  return { code: "REQUEST_INVALID", reason } as const;
}

type Answer = (found: string | undefined, messages?: number, more?: boolean) => void;

const idOf = (what: OutboxEffect): string =>
  what.kind === "message" ? what.message.id : (what.record.causeId ?? "");
