/**
 * From mail to invocations, and from outcomes to effects.
 *
 * Owns which address may be called when, and what a failure means. Does not own where messages go
 * (post.ts) or what effects do (effects.ts).
 *
 * I1: a mailbox is in one phase at a time, and only a running one has an invocation.
 * I6: types have lanes of their own; a failing address rests by itself; an endpoint's trouble blames no
 * message; a poison message is found by splitting its batch, the halves one after the other, in order.
 * I10: whatever has mail is in a lane's queue, in preparation, running, among those that rest, in the
 * list that waits for the commit, looked for by the survey, or parked.
 */

import { assert, unreachable } from "../base/assert.ts";
import { backoffMs, type Random } from "../base/backoff.ts";
import type { Effects, Outcome } from "../model/invocation.ts";
import { CALL_TYPE } from "../model/owner.ts";
import type { AddressState } from "./address-state.ts";
import type { Calls } from "./calls.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { EffectsApplier } from "./effects.ts";
import type { Epochs } from "./epochs.ts";
import { Lane } from "./lane.ts";
import type { Ledger } from "./ledger.ts";
import type { PartitionLimits } from "./limits.ts";
import { IDLE, type Mailbox, type Pending } from "./mailbox.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Parking } from "./parking.ts";
import type { Directory, StartedInvocation } from "./ports.ts";
import { Rests } from "./rests.ts";
import type { Specs } from "./specs.ts";
import type { States } from "./states.ts";

/**
 * Lanes kept though nothing is done on them; beyond, idle ones are dropped and made anew when needed: where
 * an endpoint takes any name, types come out of requests, without end.
 */
const IDLE_LANES = 256;

export interface DeliveryParts {
  readonly epochs: Epochs;
  readonly ledger: Ledger;
  readonly limits: PartitionLimits;
  readonly directory: Directory;
  readonly mailboxes: Mailboxes;
  readonly parking: Parking;
  readonly states: States;
  readonly specs: Specs;
  readonly effects: EffectsApplier;
  readonly deadLetters: DeadLetters;
  readonly calls: Calls;
  readonly random: Random;
}

/** What has been delivered, for metrics. */
export interface DeliveryCounts {
  invocations: number;
  messages: number;
  retried: number;
  failed: number;
  skipped: number;
}

export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #lanes = new Map<string, Lane>();
  readonly #running = new Map<number, Mailbox>();
  readonly #rests = new Rests();
  #awaitingCommit: Mailbox[] = [];
  #started: StartedInvocation[] = [];
  #nextTicket = 1;
  readonly counts: DeliveryCounts = {
    invocations: 0,
    messages: 0,
    retried: 0,
    failed: 0,
    skipped: 0,
  };

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** Of a function type; undefined: nothing was called there. */
  lane(type: string): Lane | undefined {
    return this.#lanes.get(type);
  }

  /** A mailbox has got mail. */
  onMail(mailbox: Mailbox): void {
    if (mailbox.phase.kind === "idle") this.proceed(mailbox);
  }

  /** What may be called now is prepared, and called when its state is at hand. */
  dispatch(nowMs: number): void {
    for (const lane of this.#lanes.values()) {
      for (let next = lane.next(nowMs); next !== undefined; next = lane.next(nowMs)) {
        this.#prepare(lane, next);
      }
      if (this.#lanes.size > IDLE_LANES && lane.isIdle) this.#lanes.delete(lane.type);
    }
  }

  /** The invocations made since the last call. */
  takeStarted(): readonly StartedInvocation[] {
    const started = this.#started;
    this.#started = [];
    return started;
  }

  /** Those whose rest is over are in line again; so are those that would rest longer than anyone may. */
  wake(nowMs: number): void {
    const longestMs = (mailbox: Mailbox) => this.#laneOf(mailbox)?.binding.retry.maxMs ?? 0;
    this.#rests.wake(nowMs, longestMs, (mailbox) => this.proceed(mailbox));
  }

  /** Messages whose cause has become durable may be delivered. */
  committed(): void {
    const waiting = this.#awaitingCommit;
    this.#awaitingCommit = [];
    for (const mailbox of waiting) {
      if (mailbox.phase.kind === "awaitingCommit") this.proceed(mailbox);
    }
  }

  /** I10. */
  wakeAtMs(): number | undefined {
    let wake = this.#rests.wakeAtMs;
    for (const lane of this.#lanes.values()) {
      const probe = lane.ready > 0 ? lane.circuit.wakeAtMs : undefined;
      if (probe !== undefined && (wake === undefined || probe < wake)) wake = probe;
    }
    return wake;
  }

  outcome(ticket: number, outcome: Outcome): void {
    const mailbox = this.#running.get(ticket);
    if (mailbox === undefined || mailbox.phase.kind !== "running") return; // a late double
    const { count, bytes, specs } = mailbox.phase;
    if (mailbox.phase.ticket !== ticket) return;
    this.#running.delete(ticket);
    const lane = this.#laneOf(mailbox);
    assert(lane !== undefined, "an outcome without a lane");
    lane.ended(bytes);
    if (outcome.kind !== "retryLater") lane.circuit.answered();
    switch (outcome.kind) {
      case "reply":
        return this.#replied(lane, mailbox, count, outcome.effects);
      case "incomplete": {
        const refusal = this.#parts.specs.register(mailbox.address.type, outcome.missing, specs);
        if (refusal !== undefined) return this.#failed(lane, mailbox, count, refusal);
        return this.#release(lane, mailbox);
      }
      case "retryLater":
        this.#parts.mailboxes.keepAll(mailbox);
        this.counts.retried++;
        mailbox.deliveries++;
        lane.circuit.troubled(this.#parts.epochs.nowMs, outcome.reason);
        if (lane.circuit.state.kind !== "closed") return this.#release(lane, mailbox);
        return this.#rest(lane, mailbox, mailbox.deliveries);
      case "failed":
        return this.#failed(lane, mailbox, count, outcome.reason);
      default:
        return unreachable(outcome);
    }
  }

  /** Gives the first message of an unparked, idle mailbox up and goes on with the next. */
  skipFirst(
    mailbox: Mailbox,
    { reason, attempts }: { readonly reason: string; readonly attempts: number },
    then: (id: string | undefined) => void,
  ): void {
    mailbox.phase = { kind: "preparing" };
    this.#parts.mailboxes.withMail(mailbox, () => {
      const first = this.#parts.mailboxes.finishFirst(mailbox);
      if (first !== undefined) this.#bury(mailbox, first, reason, attempts);
      this.#endSuspicion(mailbox);
      this.proceed(mailbox);
      then(first?.message.id);
    });
  }

  /** Puts a mailbox where its mail will be served from, or forgets it when it has none. */
  proceed(mailbox: Mailbox): void {
    if (!mailbox.isKnown) {
      mailbox.phase = { kind: "searched" };
      return this.#parts.mailboxes.whenKnown(mailbox, () => this.proceed(mailbox));
    }
    if (mailbox.count === 0) {
      mailbox.phase = IDLE;
      return this.#parts.mailboxes.discard(mailbox);
    }
    if (mailbox.address.type === CALL_TYPE) return this.#answerCall(mailbox);
    const lane = this.#laneOf(mailbox);
    if (lane !== undefined) return lane.enqueue(mailbox);
    // Its function has left the module since the message was accepted.
    const reason = `no endpoint of the module takes functions of type ${mailbox.address.type}`;
    this.#parts.parking.park(mailbox, "TARGET_UNKNOWN", reason);
  }

  #laneOf(mailbox: Mailbox): Lane | undefined {
    const { type } = mailbox.address;
    const known = this.#lanes.get(type);
    if (known !== undefined) return known;
    const binding = this.#parts.directory.function(type);
    if (binding === undefined) return undefined;
    const lane = new Lane(type, binding, this.#parts.random, this.#parts.limits.callBytes);
    this.#lanes.set(type, lane);
    return lane;
  }

  #prepare(lane: Lane, mailbox: Mailbox): void {
    mailbox.phase = { kind: "preparing" };
    const { address, key } = mailbox;
    const { states, specs } = this.#parts;
    const state = specs.of(address.type).size === 0 ? states.none(key) : states.cached(key);
    if (state !== undefined) return this.#withState(lane, mailbox, state);
    states.load(address, (loaded) => this.#withState(lane, mailbox, loaded));
  }

  #withState(lane: Lane, mailbox: Mailbox, state: AddressState): void {
    this.#pin(mailbox, state);
    this.#parts.mailboxes.withMail(mailbox, () => this.#start(lane, mailbox, state));
  }

  #start(lane: Lane, mailbox: Mailbox, state: AddressState): void {
    const batch = this.#batch(lane, mailbox);
    // With values that expire, calling it changes its state: that is for an epoch that has room.
    const mustWait = this.#parts.epochs.isHeavy && state.isMortal;
    if (batch.length === 0 || mustWait) {
      this.#unpin(mailbox);
      lane.running--;
      lane.circuit.abandoned(this.#parts.epochs.nowMs);
      mailbox.phase = { kind: "awaitingCommit" };
      this.#awaitingCommit.push(mailbox);
      return this.#parts.epochs.hurry();
    }
    const { nowMs } = this.#parts.epochs;
    const specs = this.#parts.specs.of(mailbox.address.type);
    if (state.isMortal) {
      this.#parts.states.change(mailbox.address, state, () => {
        const expired = state.expire(nowMs);
        return state.refresh(specs.values(), nowMs) || expired;
      });
    }
    const ticket = this.#nextTicket++;
    const bytes = batch.reduce((sum, pending) => sum + pending.bytes, state.bytes);
    mailbox.phase = { kind: "running", ticket, count: batch.length, bytes, specs };
    lane.started(bytes);
    this.#running.set(ticket, mailbox);
    this.counts.invocations++;
    this.#started.push({
      ticket,
      invocation: {
        target: mailbox.address,
        endpoint: lane.binding.endpoint,
        state: state.request(specs),
        messages: batch.map((pending) => pending.message),
        attempt: mailbox.deliveries + 1,
      },
    });
  }

  /** The messages of the next invocation: a prefix of the head, within every bound. */
  #batch(lane: Lane, mailbox: Mailbox): Pending[] {
    const { binding } = lane;
    const limit = Math.min(binding.maxBatchMessages, mailbox.suspicion?.limit ?? Infinity);
    const batch: Pending[] = [];
    let bytes = 0;
    for (let i = 0; i < limit; i++) {
      const pending = mailbox.head.at(i);
      if (pending === undefined) break;
      if (binding.delivery === "committed" && pending.epoch > this.#parts.epochs.committed) break;
      bytes += pending.bytes;
      if (batch.length > 0 && bytes > this.#parts.limits.batchBytes) break;
      batch.push(pending);
    }
    return batch;
  }

  #replied(lane: Lane, mailbox: Mailbox, count: number, effects: Effects): void {
    const cause = mailbox.head.at(count - 1)?.message;
    assert(cause !== undefined, "an outcome for more messages than there are");
    const refusal = this.#parts.effects.refusal(mailbox, cause, effects);
    if (refusal !== undefined) return this.#failed(lane, mailbox, count, refusal);
    this.#parts.effects.prepare(mailbox.address, effects, (tokens) => {
      this.#parts.effects.apply(mailbox, cause, effects, tokens);
      for (let i = 0; i < count; i++) this.#parts.mailboxes.finishFirst(mailbox);
      this.#parts.ledger.finished += count;
      this.counts.messages += count;
      mailbox.forgive();
      this.#endSuspicion(mailbox);
      this.#release(lane, mailbox);
    });
  }

  #failed(lane: Lane, mailbox: Mailbox, count: number, reason: string): void {
    this.#parts.mailboxes.keepAll(mailbox);
    this.counts.failed++;
    mailbox.deliveries++;
    if (count > 1) {
      const last = mailbox.head.at(count - 1)?.sequence ?? 0;
      const untilSequence = Math.max(last, mailbox.suspicion?.untilSequence ?? 0);
      mailbox.suspicion = { limit: Math.floor(count / 2), untilSequence };
      return this.#rest(lane, mailbox, 1);
    }
    mailbox.failuresAlone++;
    const { retry, onFailure } = lane.binding;
    if (mailbox.failuresAlone < retry.maxAttempts) {
      return this.#rest(lane, mailbox, mailbox.failuresAlone);
    }
    if (onFailure === "park") {
      this.#unpin(mailbox);
      lane.running--;
      return this.#parts.parking.park(mailbox, "FUNCTION_FAILED", reason);
    }
    const first = this.#parts.mailboxes.finishFirst(mailbox);
    assert(first !== undefined, "a failure without a message");
    if (onFailure === "deadLetter") {
      this.#bury(mailbox, first, reason, mailbox.deliveries);
    } else {
      this.counts.skipped++;
      this.#parts.ledger.finished++;
    }
    mailbox.forgive();
    this.#endSuspicion(mailbox);
    this.#release(lane, mailbox);
  }

  #bury(mailbox: Mailbox, first: Pending, reason: string, attempts: number): void {
    this.#parts.deadLetters.add({
      code: "FUNCTION_FAILED",
      reason,
      what: { kind: "message", message: first.message },
      address: mailbox.address,
      attempts,
    });
  }

  #endSuspicion(mailbox: Mailbox): void {
    const next = mailbox.head.peek()?.sequence ?? mailbox.spilledFirst;
    if (mailbox.suspicion === undefined) return;
    if (mailbox.count === 0 || next > mailbox.suspicion.untilSequence) {
      mailbox.suspicion = undefined;
    }
  }

  /** The address is no longer being called, and may be again. */
  #release(lane: Lane, mailbox: Mailbox): void {
    this.#unpin(mailbox);
    lane.running--;
    this.proceed(mailbox);
  }

  #rest(lane: Lane, mailbox: Mailbox, attempt: number): void {
    this.#unpin(mailbox);
    lane.running--;
    const waitMs = backoffMs(attempt, lane.binding.retry, this.#parts.random);
    this.#rests.begin(mailbox, this.#parts.epochs.nowMs + waitMs);
  }

  #pin(mailbox: Mailbox, state: AddressState): void {
    state.pins++;
    mailbox.state = state;
  }

  #unpin(mailbox: Mailbox): void {
    if (mailbox.state !== undefined) mailbox.state.pins--;
    mailbox.state = undefined;
  }

  /** Replies to a caller that was not waiting when they came. */
  #answerCall(mailbox: Mailbox): void {
    mailbox.phase = { kind: "preparing" };
    this.#parts.mailboxes.withMail(mailbox, () => {
      const reply = mailbox.head.peek();
      assert(reply !== undefined, "a reply that is not there");
      this.#parts.calls.replyStored(mailbox.address.id, reply.message.value, () => {
        this.#parts.mailboxes.finishFirst(mailbox);
        this.#parts.ledger.finished++;
        this.proceed(mailbox);
      });
    });
  }
}
