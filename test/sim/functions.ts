/** The function side of the simulation: interprets steps, keeps no state of its own but its faults. */
import assert from "node:assert/strict";
import { addressKey } from "../../src/model/address.ts";
import type {
  DelayedEffect,
  Effects,
  Invocation,
  Outcome,
  OutgoingMessage,
  OutgoingRecord,
  StateMutation,
  StateSpec,
} from "../../src/model/invocation.ts";
import type { Message } from "../../src/model/message.ts";
import { decodeStateEntry } from "../../src/model/persisted-value.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import { BURYING, type Step } from "./program.ts";

export const JSON_TYPE = "sim/json";
export const EGRESS = "sim/out";

export const json = (value: unknown): TypedValue => ({
  typename: JSON_TYPE,
  hasValue: true,
  value: Buffer.from(JSON.stringify(value)),
});

/** What a step travels as. */
export interface Envelope {
  readonly step: Step;
  /** Its place among the messages from one sender to one address: 1, 2, … */
  readonly from: string;
  readonly nth: number;
}

/** What handling a step tells the egress. */
export interface Trace extends Envelope {
  readonly at: string;
  /** The steps the address has handled, this one included. */
  readonly count: number;
}

interface Book {
  count: number;
  /** Messages sent to each address so far. */
  sent: Record<string, number>;
}

const never = { expireMode: "never", expireAfterMs: 0 } as const;
const DECLARED: readonly StateSpec[] = [
  { name: "book", typename: JSON_TYPE, ...never },
  { name: "memory", typename: JSON_TYPE, expireMode: "afterWrite", expireAfterMs: 200 },
  { name: "warmth", typename: JSON_TYPE, expireMode: "afterInvoke", expireAfterMs: 300 },
];

/** When something was done last, for judging timers and expiry. */
export interface Sighting {
  invokedMs: number;
  answeredMs: number;
}

export class SimFunctions {
  /** Poison is cured: parked addresses can be retried. */
  cured = false;
  readonly sightings = new Map<string, Sighting>();
  readonly #failuresLeft = new Map<string, number>();
  /** The last write of an expiring state, by address: when it was answered. */
  readonly #written = new Map<string, number>();

  call(invocation: Invocation, nowMs: number): Outcome {
    const state = new Map<string, TypedValue | undefined>();
    for (const bytes of invocation.state) {
      const { name, value } = decodeStateEntry(bytes);
      assert(!state.has(name), `state ${name} is in the request twice`);
      state.set(name, value.hasValue ? value : undefined);
    }
    const missing = DECLARED.filter((spec) => !state.has(spec.name));
    if (missing.length > 0) return { kind: "incomplete", missing };
    this.#checkExpiry(invocation, state, nowMs);
    const failing = invocation.messages.find((message) => this.#fails(message));
    if (failing !== undefined) return { kind: "failed", reason: `cannot take ${failing.id}` };
    return { kind: "reply", effects: this.#run(invocation, state, nowMs) };
  }

  /** The answer reached the runtime. */
  answered(invocation: Invocation, nowMs: number): void {
    for (const message of invocation.messages) {
      const sighting = this.sightings.get(envelopeOf(message).step.label);
      if (sighting !== undefined) sighting.answeredMs = nowMs;
      if (remembers(envelopeOf(message).step))
        this.#written.set(addressKey(invocation.target), nowMs);
    }
  }

  #fails(message: Message): boolean {
    const { step } = envelopeOf(message);
    for (const action of step.actions) {
      if (action.do === "poison" && !(this.cured && step.target.type !== BURYING)) return true;
      if (action.do !== "fail") continue;
      const left = this.#failuresLeft.get(step.label) ?? action.times;
      this.#failuresLeft.set(step.label, left - 1);
      if (left > 0) return true;
    }
    return false;
  }

  #run(
    invocation: Invocation,
    state: ReadonlyMap<string, TypedValue | undefined>,
    nowMs: number,
  ): Effects {
    const at = addressKey(invocation.target);
    const stored = state.get("book");
    const book: Book =
      stored === undefined
        ? { count: 0, sent: {} }
        : JSON.parse(Buffer.from(stored.value).toString());
    const messages: OutgoingMessage[] = [];
    const delayed: DelayedEffect[] = [];
    const egress: OutgoingRecord[] = [];
    const mutations: StateMutation[] = [];
    for (const message of invocation.messages) {
      const envelope = envelopeOf(message);
      const { step } = envelope;
      assert.equal(addressKey(step.target), at, "a message at the wrong address");
      book.count++;
      this.sightings.set(step.label, { invokedMs: nowMs, answeredMs: nowMs });
      const trace: Trace = { ...envelope, step: { ...step, actions: [] }, at, count: book.count };
      egress.push({ egress: EGRESS, value: json(trace) });
      for (const action of step.actions) {
        switch (action.do) {
          case "send": {
            const { step: child } = action;
            const key = addressKey(child.target);
            const nth = (book.sent[key] ?? 0) + 1;
            book.sent[key] = nth;
            messages.push({ target: child.target, value: json({ step: child, from: at, nth }) });
            break;
          }
          case "sendAfter": {
            const { delayMs, token, step: child } = action;
            const value = json({ step: child, from: "", nth: 0 });
            delayed.push({ kind: "send", target: child.target, value, delayMs, token });
            break;
          }
          case "cancel":
            delayed.push({ kind: "cancel", token: action.token });
            break;
          case "reply":
            if (message.caller !== undefined) {
              messages.push({ target: message.caller, value: json({ label: step.label }) });
            }
            break;
          case "strayMessage":
            messages.push({ target: { type: "sim/nobody", id: "x" }, value: json(step.label) });
            break;
          case "strayRecord":
            egress.push({ egress: "sim/nowhere", value: json(step.label) });
            break;
          case "remember":
            mutations.push({ name: "memory", value: json(step.label) });
            mutations.push({ name: "warmth", value: json(step.label) });
            break;
          case "fail":
          case "poison":
            break;
        }
      }
    }
    mutations.push({ name: "book", value: json(book) });
    return { messages, delayed, egress, mutations };
  }

  /** An expired value is never sent; one that cannot have expired always is. */
  #checkExpiry(
    invocation: Invocation,
    state: ReadonlyMap<string, TypedValue | undefined>,
    nowMs: number,
  ): void {
    const written = this.#written.get(addressKey(invocation.target));
    if (written === undefined || state.get("memory") === undefined) return;
    const age = nowMs - written;
    assert(age < 200 + 100, `a value of ${age} ms was sent, it lives for 200 ms`);
  }
}

export function envelopeOf(message: Message): Envelope {
  return JSON.parse(Buffer.from(message.value.value).toString());
}

const remembers = (step: Step): boolean => step.actions.some((action) => action.do === "remember");
