/** The function side of the simulation: interprets steps, keeps no state of its own but its faults. */
import assert from "node:assert/strict";
import { type Address, addressKey } from "../../src/model/address.ts";
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
import type { Paths } from "./paths.ts";
import { type Action, BURYING, type Poison, type Step } from "./program.ts";

export const JSON_TYPE = "sim/json";
const BLOB_TYPE = "sim/blob";
export const EGRESS = "sim/out";
/** Refuses some records, and cannot take others at all. */
export const SIDE_EGRESS = "sim/side";

/** What the module does not have. */
export const NOWHERE = "sim/nowhere";
const NOBODY: Address = { type: "sim/nobody", id: "x" };

/** `pad`: so many bytes of white space behind it. */
export const json = (value: unknown, pad = 0): TypedValue => ({
  typename: JSON_TYPE,
  hasValue: true,
  value: Buffer.from(JSON.stringify(value) + " ".repeat(pad)),
});

/** What a step travels as. */
export interface Envelope {
  readonly step: Step;
  /** Its place among the messages from one sender to one address: 1, 2, … */
  readonly from: string;
  readonly nth: number;
  /** The id of a message from a source: its place there. */
  readonly id?: string;
  /** The caller of the step that sent it. */
  readonly caller?: Address | undefined;
  /** Sent to nobody: it is handled only where a person sends it instead. */
  readonly isStray?: boolean;
}

/** A message that nobody can get, as it was sent. */
export const strayOf = (label: string, target: Address): Envelope => ({
  ...{ step: { label, target, actions: [] }, from: "", nth: 0, isStray: true },
});

/** What a caller is told: about which step, and by which action of it or of another. */
export interface Reply {
  readonly label: string;
  readonly by: string;
}

/** What handling a step tells the egress. */
export interface Trace extends Envelope {
  readonly at: string;
  /** The steps the address has handled, this one included. */
  readonly count: number;
}

/** What handling a step tells the other egress. */
export interface SideRecord {
  readonly name: string;
  /** Undefined: of a record that was sent to no egress there is. */
  readonly fate?: "taken" | "refused" | "invalid";
}

interface Book {
  count: number;
  /** Messages sent to each address so far. */
  sent: Record<string, number>;
}

export const MEMORY_MS = 200;
export const WARMTH_MS = 300;

const never = { expireMode: "never", expireAfterMs: 0 } as const;
const DECLARED: readonly StateSpec[] = [
  { name: "book", typename: JSON_TYPE, ...never },
  { name: "memory", typename: JSON_TYPE, expireMode: "afterWrite", expireAfterMs: MEMORY_MS },
  { name: "warmth", typename: JSON_TYPE, expireMode: "afterInvoke", expireAfterMs: WARMTH_MS },
  { name: "blob", typename: BLOB_TYPE, ...never },
];
const GROWN: readonly StateSpec[] = [...DECLARED, { name: "late", typename: JSON_TYPE, ...never }];
/** When the functions' later version is there. */
const GROWN_AFTER_MS = 1_000_300;

export interface FunctionsOptions {
  readonly stateBytes: number;
  readonly statesPerType: number;
  readonly grows: boolean;
  readonly paths: Paths;
  /** Whether a message of this content may be mail of this address. */
  readonly belongs: (envelope: Envelope, at: string) => boolean;
}

interface Result {
  readonly messages: OutgoingMessage[];
  readonly delayed: DelayedEffect[];
  readonly egress: OutgoingRecord[];
  readonly mutations: StateMutation[];
}

export class SimFunctions {
  /** Poison is cured: parked addresses can be retried. */
  cured = false;
  /** After an accepted loss of epochs a message may come again under another id. */
  isBelieved = true;
  readonly #options: FunctionsOptions;
  readonly #failuresLeft = new Map<string, number>();
  readonly #refused = new WeakSet<Outcome>();
  readonly #labelOf = new Map<string, string>();
  readonly #idOf = new Map<string, string>();

  constructor(options: FunctionsOptions) {
    this.#options = options;
  }

  call(invocation: Invocation, nowMs: number): Outcome {
    const state = new Map<string, TypedValue | undefined>();
    for (const bytes of invocation.state) {
      const { name, value } = decodeStateEntry(bytes);
      assert(!state.has(name), `state ${name} is in the request twice`);
      state.set(name, value.hasValue ? value : undefined);
    }
    const isGrown = this.#options.grows && nowMs > GROWN_AFTER_MS;
    const declared = isGrown ? GROWN : DECLARED;
    const missing = declared.filter((spec) => !state.has(spec.name));
    if (missing.length > 0) {
      this.#options.paths.hit("specsNegotiated");
      this.#options.paths.hitIf(missing.length === 1, "specsGrown");
      return { kind: "incomplete", missing };
    }
    for (const message of invocation.messages) this.#checkId(message);
    for (const message of invocation.messages) {
      const trouble = this.#trouble(message);
      if (trouble !== undefined) return trouble;
    }
    const effects = this.#run(invocation, state);
    const poison = invocation.messages.map((message) => this.#poison(message)).find(Boolean);
    return poison === undefined
      ? { kind: "reply", effects }
      : this.#poisoned(poison, effects, declared);
  }

  /** An answer that the runtime must refuse as a whole. */
  isRefused(outcome: Outcome): boolean {
    return this.#refused.has(outcome);
  }

  /** The label a message of this id was called with. */
  labelOf(messageId: string): string | undefined {
    return this.#labelOf.get(messageId);
  }

  /** An id is never given twice; where delivery waits for the commit, a message keeps its id. */
  #checkId(message: Message): void {
    const { step, id: place = message.id } = envelopeOf(message);
    const { label } = step;
    assert.equal(message.id, place, "a record is named by its place");
    const known = this.#labelOf.get(message.id) ?? label;
    assert.equal(known, label, `${message.id} is the id of two messages`);
    this.#labelOf.set(message.id, label);
    if (message.target.type !== BURYING || !this.isBelieved) return;
    const id = this.#idOf.get(label) ?? message.id;
    assert.equal(message.id, id, `${label} was delivered before its cause was durable`);
    this.#idOf.set(label, id);
  }

  #trouble(message: Message): Outcome | undefined {
    const { step } = envelopeOf(message);
    for (const action of step.actions) {
      if (action.do !== "fail" && action.do !== "trouble") continue;
      const left = this.#failuresLeft.get(step.label) ?? action.times;
      this.#failuresLeft.set(step.label, left - 1);
      if (left <= 0) continue;
      const kind = action.do === "fail" ? "failed" : "retryLater";
      return { kind, reason: `cannot take ${step.label}` };
    }
    return undefined;
  }

  #poison(message: Message): Poison | undefined {
    if (this.cured) return undefined;
    return envelopeOf(message).step.actions.find((action) => action.do === "poison")?.how;
  }

  #poisoned(how: Poison, effects: Effects, declared: readonly StateSpec[]): Outcome {
    const { paths, stateBytes, statesPerType } = this.#options;
    const spoiled = (extra: Partial<Effects>): Outcome => {
      const outcome: Outcome = { kind: "reply", effects: { ...effects, ...extra } };
      this.#refused.add(outcome);
      return outcome;
    };
    const { mutations, delayed } = effects;
    switch (how) {
      case "throws":
        return { kind: "failed", reason: "cannot take it" };
      case "undeclared":
        paths.hit("refusedUndeclared");
        return spoiled({ mutations: [...mutations, { name: "nobody's", value: json(1) }] });
      case "mistyped": {
        paths.hit("refusedMistyped");
        const value = { ...json(1), typename: "sim/other" };
        return spoiled({ mutations: [...mutations, { name: "late", value }] });
      }
      case "swells": {
        paths.hit("refusedState");
        return spoiled({ mutations: [...mutations, blob(stateBytes + 1)] });
      }
      case "longToken":
        paths.hit("refusedToken");
        return spoiled({ delayed: [...delayed, { kind: "cancel", token: "t".repeat(4_097) }] });
      case "asks":
        paths.hit("refusedAsking");
        return { kind: "incomplete", missing: declared.slice(0, 2) };
      case "manySpecs": {
        paths.hit("refusedSpecs");
        const missing = Array.from({ length: statesPerType }, (_, i) => ({
          ...{ name: `many${i}`, typename: JSON_TYPE },
          ...never,
        }));
        return { kind: "incomplete", missing };
      }
    }
  }

  #run(invocation: Invocation, state: ReadonlyMap<string, TypedValue | undefined>): Effects {
    const at = addressKey(invocation.target);
    const stored = state.get("book");
    const book: Book =
      stored === undefined
        ? { count: 0, sent: {} }
        : JSON.parse(Buffer.from(stored.value).toString());
    const result: Result = { messages: [], delayed: [], egress: [], mutations: [] };
    for (const message of invocation.messages) {
      const envelope = envelopeOf(message);
      const { step } = envelope;
      const belongs = !this.isBelieved || this.#options.belongs(envelope, at);
      assert(belongs, `${step.label} is at the wrong address, ${at}`);
      book.count++;
      const trace: Trace = { ...envelope, step: { ...step, actions: [] }, at, count: book.count };
      result.egress.push({ egress: EGRESS, value: json(trace, step.pad) });
      let n = 0;
      for (const action of step.actions) {
        act(message, at, step, action, `${step.label}#${n++}`, book, result);
      }
    }
    result.mutations.push({ name: "book", value: json(book) });
    return result;
  }
}

function act(
  message: Message,
  at: string,
  step: Step,
  action: Action,
  name: string,
  book: Book,
  { messages, delayed, egress, mutations }: Result,
): void {
  switch (action.do) {
    case "send": {
      const { step: child } = action;
      const key = shortKey(child.target);
      const nth = (book.sent[key] ?? 0) + 1;
      book.sent[key] = nth;
      const { caller } = message;
      const envelope: Envelope = { step: child, from: at, nth, caller };
      messages.push({ target: child.target, value: json(envelope, child.pad) });
      return;
    }
    case "sendAfter": {
      const { delayMs, token, step: child } = action;
      const value = json({ step: child, from: "", nth: 0 }, child.pad);
      delayed.push({ kind: "send", target: child.target, value, delayMs, token });
      return;
    }
    case "cancel":
      delayed.push({ kind: "cancel", token: action.token });
      return;
    case "reply":
      if (message.caller !== undefined) {
        const reply: Reply = { label: step.label, by: name };
        messages.push({ target: message.caller, value: json(reply) });
      }
      return;
    case "replyFor": {
      const { caller } = envelopeOf(message);
      const reply: Reply = { label: action.label, by: name };
      if (caller !== undefined) messages.push({ target: caller, value: json(reply) });
      return;
    }
    case "strayMessage":
      messages.push({ target: NOBODY, value: json(strayOf(name, NOBODY)) });
      return;
    case "strayRecord":
      egress.push({ egress: NOWHERE, value: json({ name }) });
      return;
    case "record":
      egress.push({ egress: SIDE_EGRESS, value: json({ name, fate: action.fate }) });
      return;
    case "remember":
      mutations.push({ name: "memory", value: json(step.label) });
      mutations.push({ name: "warmth", value: json(step.label) });
      return;
    case "forget":
      mutations.push({ name: "memory", value: undefined });
      return;
    case "blob":
      mutations.push(blob(action.bytes));
      return;
    case "fail":
    case "trouble":
    case "poison":
      return;
  }
}

const blob = (bytes: number): StateMutation => ({
  name: "blob",
  value: { typename: BLOB_TYPE, hasValue: true, value: Buffer.alloc(bytes, bytes % 251) },
});

/** States have a bound, so long ids are named shortly in them; there is at most one. */
const shortKey = ({ type, id }: { type: string; id: string }): string =>
  `${type}/${id.length > 100 ? "long" : id}`;

const parsed = new WeakMap<Uint8Array, Envelope>();

export function envelopeOf(message: Pick<Message, "value">): Envelope {
  const { value } = message.value;
  let envelope = parsed.get(value);
  if (envelope === undefined) {
    envelope = JSON.parse(Buffer.from(value).toString()) as Envelope;
    parsed.set(value, envelope);
  }
  return envelope;
}
