/** What a person decides about stuck work. */
import { unreachable } from "../base/assert.ts";
import type { Address } from "../model/address.ts";
import type { OutboxEffect } from "../store/records.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Delivery } from "./delivery.ts";
import type { Epochs } from "./epochs.ts";
import type { Ledger } from "./ledger.ts";
import type { Parking } from "./parking.ts";
import type { OperatorVerb } from "./ports.ts";
import type { Post } from "./post.ts";

export interface OperatorParts {
  readonly epochs: Epochs;
  readonly ledger: Ledger;
  readonly parking: Parking;
  readonly deadLetters: DeadLetters;
  readonly delivery: Delivery;
  readonly post: Post;
}

export class Operator {
  readonly #parts: OperatorParts;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  decide(request: number, verb: OperatorVerb): void {
    const answer: Answer = (found) =>
      this.#parts.epochs.release({ kind: "operated", request, found });
    switch (verb.kind) {
      case "retryParked":
        return this.#retryParked(verb.address, answer);
      case "skipParked":
        return this.#skipParked(verb.address, answer);
      case "retryDead":
        return this.#retryDead(verb.number, answer);
      case "purgeDead":
        return this.#parts.deadLetters.take(verb.number, (record) => {
          if (record !== undefined) this.#parts.ledger.finished++;
          answer(record === undefined ? undefined : idOf(record.what));
        });
      default:
        return unreachable(verb);
    }
  }

  #retryParked(address: Address, answer: Answer): void {
    const mailbox = this.#parts.parking.unpark(address);
    if (mailbox !== undefined) this.#parts.delivery.retryParked(mailbox);
    answer(mailbox?.key);
  }

  #skipParked(address: Address, answer: Answer): void {
    const record = this.#parts.parking.get(address);
    const mailbox = this.#parts.parking.unpark(address);
    if (record === undefined || mailbox === undefined) return answer(undefined);
    const reason = `skipped by an operator; it was parked because: ${record.reason}`;
    this.#parts.delivery.skipFirst(mailbox, { reason, attempts: record.attempts }, answer);
  }

  #retryDead(number: number, answer: Answer): void {
    const { deadLetters, post } = this.#parts;
    deadLetters.take(number, (record) => {
      if (record === undefined) return answer(undefined);
      if (record.what.kind === "message") post.route(record.what.message, record.source);
      else post.republish(record.egress, record.what.record);
      answer(idOf(record.what));
    });
  }
}

type Answer = (found: string | undefined) => void;

const idOf = (what: OutboxEffect): string =>
  what.kind === "message" ? what.message.id : (what.record.causeId ?? "");
