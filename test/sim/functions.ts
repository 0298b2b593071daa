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

const MEMORY_MS = 200;
const WARMTH_MS = 300;
/** A request is not older than this when it arrives. */
const REQUEST_MS = 25;

const never = { expireMode: "never", expireAfterMs: 0 } as const;
const DECLARED: readonly StateSpec[] = [
  { name: "book", typename: JSON_TYPE, ...never },
  { name: "memory", typename: JSON_TYPE, expireMode: "afterWrite", expireAfterMs: MEMORY_MS },
  { name: "warmth", typename: JSON_TYPE, expireMode: "afterInvoke", expireAfterMs: WARMTH_MS },
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
  /** Until when its expiring states live for certain, by address; known only while no crash takes them back. */
  readonly #alive = new Map<string, { memoryMs: number; warmthMs: number }>();
  readonly #labelOf = new Map<string, string>();
  readonly #idOf = new Map<string, string>();

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
    for (const message of invocation.messages) this.#checkId(message);
    const failing = invocation.messages.find((message) => this.#fails(message));
    if (failing !== undefined) return { kind: "failed", reason: `cannot take ${failing.id}` };
    return { kind: "reply", effects: this.#run(invocation, state, nowMs) };
  }

  /** The answer reached the runtime. */
  answered(invocation: Invocation, nowMs: number): void {
    for (const message of invocation.messages) {
      const sighting = this.sightings.get(envelopeOf(message).step.label);
      if (sighting !== undefined) sighting.answeredMs = nowMs;
      if (!remembers(envelopeOf(message).step)) continue;
      const at = addressKey(invocation.target);
      this.#written.set(at, nowMs);
      this.#alive.set(at, { memoryMs: nowMs + MEMORY_MS, warmthMs: nowMs + WARMTH_MS });
    }
  }

  /** A partition crashed: what it had been answered may not have been done. */
  crashed(): void {
    this.#alive.clear();
  }

  /** An id is never given twice; where delivery waits for the commit, a message keeps its id. */
  #checkId(message: Message): void {
    const { label } = envelopeOf(message).step;
    const known = this.#labelOf.get(message.id) ?? label;
    assert.equal(known, label, `${message.id} is the id of two messages`);
    this.#labelOf.set(message.id, label);
    if (message.target.type !== BURYING) return;
    const id = this.#idOf.get(label) ?? message.id;
    assert.equal(message.id, id, `${label} was delivered before its cause was durable`);
    this.#idOf.set(label, id);
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
    const at = addressKey(invocation.target);
    const alive = this.#alive.get(at);
    if (alive !== undefined) {
      const [memory, warmth] = [state.get("memory"), state.get("warmth")];
      assert(memory !== undefined || nowMs > alive.memoryMs - 1, `${at} lost its memory early`);
      assert(warmth !== undefined || nowMs > alive.warmthMs - 1, `${at} lost its warmth early`);
      const refreshedMs = nowMs - REQUEST_MS + WARMTH_MS;
      if (warmth !== undefined) alive.warmthMs = Math.max(alive.warmthMs, refreshedMs);
    }
    const written = this.#written.get(at);
    if (written === undefined || state.get("memory") === undefined) return;
    const age = nowMs - written;
    assert(age < MEMORY_MS + 100, `a value of ${age} ms was sent, it lives for ${MEMORY_MS} ms`);
  }
}

export function envelopeOf(message: Message): Envelope {
  return JSON.parse(Buffer.from(message.value.value).toString());
}

const remembers = (step: Step): boolean => step.actions.some((action) => action.do === "remember");
