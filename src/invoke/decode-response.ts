import { unreachable } from "../base/assert.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import { WireError, WireReader } from "../base/wire-reader.ts";
import type { Address } from "../model/address.ts";
import type {
  DelayedEffect,
  Effects,
  ExpireMode,
  Outcome,
  OutgoingMessage,
  OutgoingRecord,
  StateMutation,
  StateSpec,
} from "../model/invocation.ts";
import type { TypedValue } from "../model/typed-value.ts";
import { typeNameOf } from "./type-names.ts";

/*
 * FromFunction to an Outcome. The grammar is proto/statefun/request-reply.proto; the meaning of what is
 * absent, empty or unknown is in docs/protocol.md. Long values are views of the answer: whoever keeps
 * a small value of a large answer for long copies it.
 */

/** An answer of a few bytes an entry could otherwise become gigabytes of objects, and be applied for long. */
export const EFFECTS_MAX_COUNT = 100_000;

/** More than a hundred thousand years; the time of day may be added without leaving whole numbers. */
export const DELAY_MAX_MS = 2 ** 52;

/** What an absent type name means: SDKs before 3.1 send none. */
const UNSET_TYPE = "io.statefun.types/unset";

const NO_VALUE: TypedValue = { typename: "", hasValue: false, value: EMPTY_BYTES };
/** What an absent address is: impossible, which is for the partition to say. */
const NOWHERE: Address = { type: "/", id: "" };

/** A state that says nothing about it never expires. */
const NO_EXPIRATION = { mode: 0, afterMs: 0 };

interface EffectLists extends Effects {
  readonly messages: OutgoingMessage[];
  readonly delayed: DelayedEffect[];
  readonly egress: OutgoingRecord[];
  readonly mutations: StateMutation[];
}

type Answer =
  | { readonly kind: "reply"; readonly effects: EffectLists }
  | { readonly kind: "incomplete"; readonly missing: StateSpec[] };

/**
 * A message in a field that holds one. Protocol buffers would merge it with one that came before in the same field; no
 * SDK writes two, so they are refused rather than given a meaning.
 *
 * @param before what the field holds so far, and what it holds when nothing came
 */
function readOnly<T>(
  reader: WireReader,
  field: string,
  [before, none]: readonly [T, T],
  read: (reader: WireReader) => T,
): T {
  if (before !== none) throw new WireError(`${field} is there twice`);
  return reader.message(field, read);
}

function readAddress(reader: WireReader): Address {
  let namespace = "";
  let name = "";
  let id = "";
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) namespace = reader.name("an address's namespace");
    else if (field === 2) name = reader.name("an address's type");
    else if (field === 3) id = reader.string("an address's id");
    else reader.skip();
  }
  return { type: typeNameOf(namespace, name), id };
}

function readEntry(reader: WireReader): [key: string, value: Uint8Array] {
  let key = "";
  let value: Uint8Array = EMPTY_BYTES;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) key = reader.string("a metadata key");
    else if (field === 2) value = reader.bytes("a metadata value");
    else reader.skip();
  }
  return [key, value];
}

function readValue(reader: WireReader): TypedValue {
  let typename = "";
  let hasValue = false;
  let value: Uint8Array = EMPTY_BYTES;
  let metadata: [string, Uint8Array][] | undefined;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) typename = reader.name("a value's typename");
    else if (field === 2) hasValue = reader.bool("a value's has_value");
    else if (field === 3) value = reader.bytes("a value's bytes");
    else if (field === 4) {
      metadata ??= [];
      metadata.push(reader.message("a value's metadata", readEntry));
    } else reader.skip();
  }
  if (metadata === undefined) return { typename, hasValue, value };
  return { typename, hasValue, value, metadata: Object.fromEntries(metadata) };
}

function readMutation(reader: WireReader): StateMutation {
  let type = 0;
  let name = "";
  let value = NO_VALUE;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) type = reader.enumeration("a mutation's type");
    else if (field === 2) name = reader.name("a mutation's state name");
    else if (field === 3)
      value = readOnly(reader, "a mutation's value", [value, NO_VALUE], readValue);
    else reader.skip();
  }
  if (type === 0) return { name, value: undefined };
  if (type !== 1)
    throw new WireError(`the mutation of state "${name}" has the unknown type ${type}`);
  // Its has_value is not looked at: whoever says MODIFY has a value.
  if (value.hasValue && value.typename !== "") return { name, value };
  const typename = value.typename === "" ? UNSET_TYPE : value.typename;
  return { name, value: { ...value, typename, hasValue: true } };
}

function readOutgoing(reader: WireReader): OutgoingMessage {
  let target = NOWHERE;
  let value = NO_VALUE;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1)
      target = readOnly(reader, "a message's target", [target, NOWHERE], readAddress);
    else if (field === 2)
      value = readOnly(reader, "a message's argument", [value, NO_VALUE], readValue);
    else reader.skip();
  }
  return { target, value };
}

function readDelayed(reader: WireReader): DelayedEffect {
  let delayMs = 0;
  let target = NOWHERE;
  let value = NO_VALUE;
  let cancels = false;
  let token = "";
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) delayMs = reader.int64("a delay");
    else if (field === 2)
      target = readOnly(reader, "a delayed message's target", [target, NOWHERE], readAddress);
    else if (field === 3)
      value = readOnly(reader, "a delayed message's argument", [value, NO_VALUE], readValue);
    else if (field === 10) cancels = reader.bool("a cancellation's flag");
    else if (field === 11) token = reader.string("a cancellation token");
    else reader.skip();
  }
  if (cancels) {
    if (token === "") throw new WireError("a cancellation has no cancellation token");
    return { kind: "cancel", token };
  }
  if (delayMs < 0) throw new WireError(`a delayed message has the negative delay ${delayMs} ms`);
  return { kind: "send", target, value, delayMs: Math.min(delayMs, DELAY_MAX_MS), token };
}

function readRecord(reader: WireReader): OutgoingRecord {
  let namespace = "";
  let name = "";
  let value = NO_VALUE;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) namespace = reader.name("an egress's namespace");
    else if (field === 2) name = reader.name("an egress's type");
    else if (field === 3)
      value = readOnly(reader, "an egress message's argument", [value, NO_VALUE], readValue);
    else reader.skip();
  }
  return { egress: typeNameOf(namespace, name), value };
}

function readEffects(reader: WireReader, effects: EffectLists): void {
  let count = 0;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) effects.mutations.push(reader.message("a mutation", readMutation));
    else if (field === 2) effects.messages.push(reader.message("a message", readOutgoing));
    else if (field === 3) effects.delayed.push(reader.message("a delayed message", readDelayed));
    else if (field === 4) effects.egress.push(reader.message("an egress message", readRecord));
    else reader.skip();
    if (++count > EFFECTS_MAX_COUNT) throw new WireError(`more than ${EFFECTS_MAX_COUNT} effects`);
  }
}

function expireModeOf(mode: number, name: string): ExpireMode {
  if (mode === 0) return "never";
  if (mode === 1) return "afterWrite";
  if (mode === 2) return "afterInvoke";
  throw new WireError(`state "${name}" has the unknown expiration mode ${mode}`);
}

function readSpec(reader: WireReader): StateSpec {
  let name = "";
  let typename = "";
  let expiration = NO_EXPIRATION;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) name = reader.string("a state's name");
    else if (field === 2)
      expiration = readOnly(
        reader,
        "a state's expiration",
        [expiration, NO_EXPIRATION],
        readExpiration,
      );
    else if (field === 3) typename = reader.string("a state's typename");
    else reader.skip();
  }
  const expireMode = expireModeOf(expiration.mode, name);
  if (expireMode !== "never" && expiration.afterMs <= 0) {
    throw new WireError(`state "${name}" would expire after ${expiration.afterMs} ms`);
  }
  const expireAfterMs = expireMode === "never" ? 0 : Math.min(expiration.afterMs, DELAY_MAX_MS);
  return { name, typename: typename === "" ? UNSET_TYPE : typename, expireMode, expireAfterMs };
}

function readExpiration(reader: WireReader): { mode: number; afterMs: number } {
  let mode = 0;
  let afterMs = 0;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) mode = reader.enumeration("an expiration's mode");
    else if (field === 2) afterMs = reader.int64("an expiration's time");
    else reader.skip();
  }
  return { mode, afterMs };
}

function readMissing(reader: WireReader, missing: StateSpec[]): void {
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) missing.push(reader.message("a missing state", readSpec));
    else reader.skip();
    if (missing.length > EFFECTS_MAX_COUNT) throw new WireError("too many missing states");
  }
}

function noEffects(): Answer & { kind: "reply" } {
  return { kind: "reply", effects: { messages: [], delayed: [], egress: [], mutations: [] } };
}

function readAnswer(reader: WireReader): Answer {
  // A oneof: of its members the last one counts, and a member that comes twice is merged.
  let answer: Answer = noEffects();
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 100) {
      const reply = answer.kind === "reply" ? answer : noEffects();
      reader.message("invocation_result", (inner) => readEffects(inner, reply.effects));
      answer = reply;
    } else if (field === 101) {
      const missing: StateSpec[] = answer.kind === "incomplete" ? answer.missing : [];
      reader.message("incomplete_invocation_context", (inner) => readMissing(inner, missing));
      answer = { kind: "incomplete", missing };
    } else reader.skip();
  }
  return answer;
}

/** What a function's answer means: `reply`, `incomplete`, or `failed` when it cannot be understood. */
export function decodeResponse(bytes: Uint8Array): Outcome {
  let answer: Answer;
  try {
    answer = readAnswer(new WireReader(bytes));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { kind: "failed", reason: `the answer cannot be read: ${error.message}` };
  }
  switch (answer.kind) {
    case "reply":
      return answer;
    case "incomplete":
      if (answer.missing.length > 0) return answer;
      return {
        kind: "failed",
        reason: "the answer says that states are missing, and names none",
      };
    default:
      return unreachable(answer);
  }
}
