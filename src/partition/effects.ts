/**
 * Applies what a function answered, in the protocol's order: messages, delayed messages and
 * cancellations, egress records, state mutations; each list in its own order. One uninterrupted step.
 *
 * What contradicts the protocol (a state nobody registered, a value of another type) is found before
 * anything is applied, and fails the batch as a whole. What merely cannot be routed becomes a dead letter
 * by itself.
 *
 * Cancellation tokens are scoped to the id of the address that schedules, whatever its type. A token that
 * is in use moves to the new delayed message, and the earlier one is cancelled. (StateFun fails the job.)
 */
import type { Address } from "../model/address.ts";
import type { DelayedEffect, Effects, StateMutation } from "../model/invocation.ts";
import type { Message } from "../model/message.ts";
import { KeyReader, keyOf } from "../store/keys.ts";
import { effectsBytes } from "./effect-weight.ts";
import type { Epochs } from "./epochs.ts";
import type { Identity } from "./identity.ts";
import type { Ledger } from "./ledger.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Post } from "./post.ts";
import type { Reads } from "./reads.ts";
import type { Specs } from "./specs.ts";
import type { States } from "./states.ts";
import type { TimerKey, Timers } from "./timers.ts";

/** The longest delay: a hundred years. What is longer is taken as this. */
export const MAX_DELAY_MS = 100 * 365 * 24 * 60 * 60 * 1000;

const NO_HEADERS: Message["headers"] = [];

/** A key of the store must hold it beside an id. */
const MAX_TOKEN_LENGTH = 4_096;

export interface EffectsParts {
  readonly epochs: Epochs;
  readonly reads: Reads;
  readonly ledger: Ledger;
  readonly identity: Identity;
  readonly post: Post;
  readonly states: States;
  readonly specs: Specs;
  readonly timers: Timers;
  readonly stateBytes: number;
  readonly effectsBytes: number;
}

export class EffectsApplier {
  readonly #parts: EffectsParts;

  constructor(parts: EffectsParts) {
    this.#parts = parts;
  }

  /** Why these effects cannot be applied at all; undefined when they can. */
  refusal(mailbox: Mailbox, cause: Message, effects: Effects): string | undefined {
    const { effectsBytes: maxBytes } = this.#parts;
    if (effectsBytes(mailbox.address, cause, effects) > maxBytes) {
      return `its effects would take more than ${maxBytes} bytes; send less at once`;
    }
    const specs = this.#parts.specs.of(mailbox.address.type);
    const { state } = mailbox;
    let bytes = state?.bytes ?? 0;
    // Of several mutations of one state the last counts: what those before it add is taken off again.
    const written = effects.mutations.length > 1 ? new Map<string, number>() : undefined;
    for (const { name, value } of effects.mutations) {
      const spec = specs.get(name);
      if (spec === undefined) {
        return `it changes a state ${JSON.stringify(name)} that it never declared`;
      }
      if (value !== undefined && value.typename !== spec.typename) {
        return `it sets state ${name} to a ${value.typename || "value without type"}, declared is ${spec.typename}`;
      }
      const size = value?.value.byteLength ?? 0;
      bytes += size - (written?.get(name) ?? state?.bytesOf(name) ?? 0);
      written?.set(name, size);
    }
    if (bytes > this.#parts.stateBytes) {
      return `its states would exceed ${this.#parts.stateBytes} bytes`;
    }
    const long = effects.delayed.find(({ token }) => token.length > MAX_TOKEN_LENGTH);
    if (long !== undefined)
      return `a cancellation token has more than ${MAX_TOKEN_LENGTH} characters`;
    return undefined;
  }

  /**
   * Learns which timers the tokens in these effects stand for, where only the store knows; `then` runs
   * when {@link apply} can look every one up.
   */
  prepare(sender: Address, effects: Effects, then: (tokens: TokenTable) => void): void {
    if (effects.delayed.length === 0) return then(NO_TOKENS);
    const wanted = new Set<string>();
    for (const delayed of effects.delayed) {
      if (delayed.token !== "") wanted.add(delayed.token);
    }
    if (wanted.size === 0) return then(new Map());
    const names = [...wanted];
    const keys = names.map((token) => tokenKey(sender.id, token));
    this.#parts.reads.getMany(keys, (values) => {
      const found = values.map((value) => (value === undefined ? undefined : timerKeyOf(value)));
      then(new Map(names.map((token, i) => [token, found[i]])));
    });
  }

  apply(mailbox: Mailbox, cause: Message, effects: Effects, tokens: TokenTable): void {
    const { nowMs } = this.#parts.epochs;
    const caller = mailbox.address;
    const { id: causeId, traceparent } = cause;
    for (const { target, value } of effects.messages) {
      this.#parts.post.accept({
        target,
        caller,
        value,
        id: this.#parts.identity.messageId(this.#parts.identity.sequence()),
        causeId,
        acceptedAtMs: nowMs,
        traceparent,
        headers: NO_HEADERS,
        recordAtMs: undefined,
      });
    }
    for (const delayed of effects.delayed) this.#delay(caller, cause, delayed, tokens);
    for (const { egress, value } of effects.egress) {
      this.#parts.post.publish(egress, { value, sender: caller, causeId, traceparent });
    }
    this.#mutate(mailbox, effects.mutations);
  }

  /** Schedules a message; `sender` undefined for one from outside. */
  schedule(
    message: Message,
    sender: Address | undefined,
    delayMs: number,
    token: string,
  ): TimerKey {
    const { timers, epochs, identity, ledger } = this.#parts;
    const dueMs = Math.max(0, epochs.nowMs) + Math.min(delayMs, MAX_DELAY_MS);
    const key = { dueMs, sequence: identity.sequence() };
    ledger.accepted++;
    timers.add(key, { message, sender, token });
    if (sender !== undefined && token !== "") {
      const value = keyOf("timer", key.dueMs, key.sequence).subarray(1);
      epochs.writeVisible(tokenKey(sender.id, token), value);
    }
    return key;
  }

  /** A timer's time has come, and it was taken out of the timers. */
  fired(sender: Address | undefined, token: string, message: Message): void {
    if (sender !== undefined && token !== "") {
      this.#parts.epochs.writeVisible(tokenKey(sender.id, token), undefined);
    }
    this.#parts.post.route(message);
  }

  #delay(caller: Address, cause: Message, delayed: DelayedEffect, tokens: TokenTable): void {
    if (delayed.token !== "") this.#cancel(caller, delayed.token, tokens);
    if (delayed.kind === "cancel") return;
    const { target, value, delayMs, token } = delayed;
    const id = this.#parts.identity.messageId(this.#parts.identity.sequence());
    const { traceparent } = cause;
    const acceptedAtMs = this.#parts.epochs.nowMs;
    const message: Message = {
      target,
      caller,
      value,
      id,
      causeId: cause.id,
      acceptedAtMs,
      traceparent,
      headers: NO_HEADERS,
      recordAtMs: undefined,
    };
    const key = this.schedule(message, caller, delayMs, token);
    if (token !== "") tokens.set(token, key);
  }

  /** An unknown or fired token: silently nothing. */
  #cancel(sender: Address, token: string, tokens: TokenTable): void {
    const key = tokens.get(token);
    if (key === undefined) return;
    tokens.set(token, undefined);
    this.#parts.timers.cancel(key);
    this.#parts.epochs.writeVisible(tokenKey(sender.id, token), undefined);
    this.#parts.ledger.finished++;
  }

  #mutate(mailbox: Mailbox, mutations: readonly StateMutation[]): void {
    const { state, address } = mailbox;
    if (mutations.length === 0 || state === undefined) return;
    const specs = this.#parts.specs.of(address.type);
    this.#parts.states.change(address, state, () => {
      for (const { name, value } of mutations) {
        const spec = specs.get(name);
        if (value === undefined || spec === undefined) state.remove(name);
        else state.set(spec, value.value, this.#parts.epochs.nowMs);
      }
      return true;
    });
  }
}

/** What the tokens of one answer stand for at the moment; undefined: nothing. */
export type TokenTable = Map<string, TimerKey | undefined>;

/** Where nothing is delayed or cancelled; nobody enters any. */
const NO_TOKENS: TokenTable = new Map();

export function tokenKey(senderId: string, token: string): Uint8Array {
  return keyOf("token", senderId, token);
}

function timerKeyOf(value: Uint8Array): TimerKey {
  const reader = new KeyReader(Buffer.concat([Buffer.of(0), value]));
  return { dueMs: reader.number(), sequence: reader.number() };
}
