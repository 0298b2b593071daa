/**
 * What comes in from outside the partition: requests, records of sources, messages and acknowledgements
 * of other partitions. Each is taken at most once (I5) and answered only when durable (I2).
 */

import { unreachable } from "../base/assert.ts";
import { fromUtf8 } from "../base/bytes.ts";
import type { ErrorCode } from "../base/errors.ts";
import { type Address, addressProblem } from "../model/address.ts";
import type { Message } from "../model/message.ts";
import { CALL_TYPE, ownerOf } from "../model/owner.ts";
import type { RoutedMessage, SourceRecord } from "../model/source.ts";
import { peerOf, peerSource, placeOfDestination } from "../store/keys.ts";
import type { Barrier } from "./barrier.ts";
import type { Calls } from "./calls.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { EffectsApplier } from "./effects.ts";
import type { Epochs } from "./epochs.ts";
import type { Identity } from "./identity.ts";
import type { Ledger } from "./ledger.ts";
import type { Outboxes } from "./outboxes.ts";
import type {
  AcknowledgedInput,
  CallInput,
  ChannelInput,
  Directory,
  FetchInput,
  HangUpInput,
  Release,
  ResumeInput,
  SendInput,
  SourceInput,
} from "./ports.ts";
import type { Positions } from "./positions.ts";
import type { Post } from "./post.ts";

export type IntakeInput =
  | SendInput
  | CallInput
  | FetchInput
  | HangUpInput
  | SourceInput
  | ChannelInput
  | AcknowledgedInput
  | ResumeInput;

export interface IntakeParts {
  readonly epochs: Epochs;
  readonly ledger: Ledger;
  readonly identity: Identity;
  readonly directory: Directory;
  readonly positions: Positions;
  readonly outboxes: Outboxes;
  readonly calls: Calls;
  readonly deadLetters: DeadLetters;
  readonly post: Post;
  readonly effects: EffectsApplier;
  readonly barrier: Barrier;
}

export class Intake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  take(input: IntakeInput): void {
    switch (input.kind) {
      case "send":
        return this.#send(input);
      case "call":
        return this.#call(input);
      case "fetch":
        return this.#parts.calls.fetch(input.request, input.callId);
      case "hangUp":
        return this.#parts.calls.hangUp(input.request, input.keep);
      case "source":
        return this.#source(input);
      case "channel":
        return this.#channel(input);
      case "acknowledged":
        return this.#acknowledged(input);
      case "resume":
        return this.#resume(input);
      default:
        return unreachable(input);
    }
  }

  /** Peers may have sent what the memory before this one took and lost: they send it again. */
  greet(): Release[] {
    const { partition, partitionCount } = this.#parts.identity;
    const { number: barrier } = this.#parts.barrier;
    const releases: Release[] = [];
    for (let to = 0; to < partitionCount; to++) {
      const next = this.#parts.positions.durable(peerSource(to)) ?? 1;
      if (to !== partition) releases.push({ kind: "resume", to, next, barrier });
    }
    return releases;
  }

  /** What moved with a commit is durable: senders of channels may forget it. */
  committed(moved: ReadonlyMap<string, number>): Release[] {
    const { number: barrier } = this.#parts.barrier;
    const releases: Release[] = [];
    for (const [source, next] of moved) {
      const to = peerOf(source);
      if (to !== undefined) releases.push({ kind: "acknowledge", to, upTo: next - 1, barrier });
    }
    return releases;
  }

  #send(input: SendInput): void {
    const { request, target, idempotencyKey: key } = input;
    if (this.#refuses(request, target)) return;
    const accept = (): string => {
      const message = this.#message(input, this.#messageId(), undefined);
      if (input.delayMs > 0) this.#parts.effects.schedule(message, undefined, input.delayMs, "");
      else this.#parts.post.accept(message);
      return message.id;
    };
    const answer = (messageId: string) =>
      this.#parts.epochs.release({ kind: "accepted", request, messageId });
    if (key === undefined) return answer(accept());
    this.#parts.calls.seen(target, key, (once) => {
      if (once !== undefined) return answer(once.messageId);
      const messageId = accept();
      this.#parts.calls.remember(target, key, messageId, "");
      answer(messageId);
    });
  }

  #call(input: CallInput): void {
    const { calls, post, directory } = this.#parts;
    const { request, target, idempotencyKey: key } = input;
    if (this.#refuses(request, target)) return;
    const begin = (): { messageId: string; callId: string } => {
      const id = this.#messageId();
      const callId = calls.begin(request, target, id);
      const message = this.#message(input, id, { type: CALL_TYPE, id: callId });
      // With a key the caller is promised something; and a committed delivery waits for what is durable.
      const isDurable =
        key !== undefined || directory.function(target.type)?.delivery === "committed";
      if (isDurable) post.accept(message);
      else {
        const pending = post.acceptFleeting(message);
        if (pending !== undefined) calls.carry(callId, pending);
      }
      return { messageId: id, callId };
    };
    if (key === undefined) {
      begin();
      return;
    }
    calls.lookingUp(request);
    calls.seen(target, key, (once) => {
      if (once === undefined) {
        // Remembered before it is delivered: a function that replies at once finds it stored.
        const { messageId, callId } = begin();
        return calls.remember(target, key, messageId, callId);
      }
      if (once.callId !== "") return this.#join(request, once.callId);
      const reason = "this idempotency key was used for a send, which has no reply";
      this.#refuse(request, "REQUEST_INVALID", reason);
    });
  }

  /**
   * Waits for an earlier call. It was made here, unless a restore to another number of partitions has parted
   * the two: then it is asked for where it is.
   */
  #join(request: number, callId: string): void {
    const { calls, identity, epochs } = this.#parts;
    const owner = ownerOf({ type: CALL_TYPE, id: callId }, identity.partitionCount);
    if (owner === identity.partition) return calls.fetch(request, callId);
    calls.forget(request);
    epochs.release({ kind: "pending", request, callId });
  }

  #messageId(): string {
    return this.#parts.identity.messageId(this.#parts.identity.sequence());
  }

  /** Written out, here and where functions send: a spread costs microseconds, for every message. */
  #message(input: SendInput | CallInput, id: string, caller: Address | undefined): Message {
    return {
      target: input.target,
      caller,
      value: input.value,
      id,
      causeId: undefined,
      acceptedAtMs: this.#parts.epochs.nowMs,
      traceparent: input.traceparent,
      headers: input.headers,
      recordAtMs: undefined,
    };
  }

  #refuses(request: number, target: Address): boolean {
    const problem = addressProblem(target);
    if (problem !== undefined) return this.#refuse(request, "REQUEST_INVALID", problem);
    if (this.#parts.directory.function(target.type) === undefined) {
      const reason = `no endpoint of the module takes functions of type ${target.type}`;
      return this.#refuse(request, "TYPE_UNKNOWN", reason);
    }
    return false;
  }

  #refuse(request: number, code: ErrorCode, reason: string): true {
    this.#parts.calls.forget(request);
    this.#parts.epochs.release({ kind: "refused", request, code, reason });
    return true;
  }

  /** I5. */
  #source(input: SourceInput): void {
    const { positions } = this.#parts;
    const { source, first, next, records } = input;
    const known = positions.next(source);
    const expected = known ?? first;
    if (first > expected) return;
    // Where a source begins is remembered before it brings anything: it may begin at an end that moves.
    const isBeginning = known === undefined && next === first;
    const goesBack = input.goesBack === true && first === expected;
    if (next <= expected && !isBeginning && !goesBack) return;
    for (const record of records) {
      if (record.position >= expected) this.#record(source, record);
    }
    positions.move(source, next);
  }

  #record(source: string, record: SourceRecord): void {
    const { ledger, post, deadLetters } = this.#parts;
    const at = `${source}@${record.position}`;
    for (let i = 0; i < record.messages.length; i++) {
      const routed = record.messages[i];
      if (routed === undefined) continue;
      // Named by its place in the source: taken again after a crash, it is the same message.
      const id = i === 0 ? at : `${at}.${i}`;
      ledger.accepted++;
      post.route(this.#ofRecord(record, routed, id), at);
    }
    if (record.invalid === undefined) return;
    const { reason, key, value, headers, traceparent } = record.invalid;
    const target = { type: "", id: key === undefined ? "" : fromUtf8(key) };
    const message = this.#ofRecord(record, { target, value, headers, traceparent }, at);
    ledger.accepted++;
    const what = { kind: "message", message } as const;
    deadLetters.add({ code: "RECORD_INVALID", reason, what, source: at });
  }

  /** Written out: the many that wait share one shape, where those made of spreads had each its own. */
  #ofRecord({ recordAtMs }: SourceRecord, routed: RoutedMessage, id: string): Message {
    return {
      target: routed.target,
      caller: undefined,
      value: routed.value,
      id,
      causeId: undefined,
      acceptedAtMs: this.#parts.epochs.nowMs,
      traceparent: routed.traceparent,
      headers: routed.headers,
      recordAtMs,
    };
  }

  /**
   * I5. What the sender no longer holds this partition has acknowledged, so when it is missing here, it was
   * lost with epochs that were durable once. Somebody accepted that: the channel goes on behind it.
   */
  #channel(input: ChannelInput): void {
    const { positions, epochs, ledger, post } = this.#parts;
    const { from, first, since, messages } = input;
    const { number: barrier } = this.#parts.barrier;
    const source = peerSource(from);
    const expected = Math.max(positions.next(source) ?? 1, since);
    const durable = positions.durable(source) ?? 1;
    if (first > expected) {
      return epochs.release({ kind: "resume", to: from, next: durable, barrier });
    }
    const next = first + messages.length;
    if (next <= expected) {
      if (durable < next) return;
      return epochs.release({ kind: "acknowledge", to: from, upTo: durable - 1, barrier });
    }
    for (const message of messages.slice(expected - first)) {
      ledger.accepted++;
      post.route(message);
    }
    positions.move(source, next);
    epochs.hurry(); // the sender holds it until then
  }

  /** A destination says what it has, durably: the same as an acknowledgement, which may have been lost. */
  #resume(input: ResumeInput): void {
    const { destination, next } = input;
    this.#acknowledged({ kind: "acknowledged", destination, upTo: next - 1 });
    this.#parts.outboxes.resume(destination, next);
  }

  #acknowledged(input: AcknowledgedInput): void {
    const { ledger, deadLetters, outboxes } = this.#parts;
    const refused = new Map(input.refused?.map(({ number, reason }) => [number, reason]));
    const place = placeOfDestination(input.destination);
    const egress = place.kind === "egress" ? place.egress : "";
    outboxes.get(input.destination)?.acknowledged(input.upTo, (number, effect) => {
      const reason = refused.get(number);
      if (reason === undefined) {
        ledger.finished++;
        return;
      }
      const address = effect.kind === "record" ? effect.record.sender : effect.message.caller;
      deadLetters.add({ code: "EGRESS_REFUSED", reason, what: effect, address, egress });
    });
  }
}
