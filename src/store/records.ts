/**
 * The values of the store: proto/statefold/stored.proto to and from the words of the model. The keys they
 * stand under are in keys.ts.
 *
 * Every decoder throws StatefoldError STORE_CORRUPT, which says what record it is and what is wrong, for
 * bytes that are not that record: fields that no record of its kind is written without are there, or it is
 * none.
 */
import { statefold } from "#stored";
import { EMPTY_BYTES, ownBytes } from "../base/bytes.ts";
import { ERRORS, type ErrorCode } from "../base/errors.ts";
import { Few } from "../base/few.ts";
import type { Address } from "../model/address.ts";
import type { ExpireMode, StateSpec } from "../model/invocation.ts";
import { addressBytes, type Message, messageBytes, valueBytes } from "../model/message.ts";
import { stateEntryName } from "../model/persisted-value.ts";
import type { TypedValue } from "../model/typed-value.ts";
import { int, named, read } from "./read-record.ts";

const stored = statefold.stored;

/** What a function sent to an egress. */
export interface EgressEffect {
  readonly value: TypedValue;
  readonly sender: Address;
  /** Id of the message that was being handled. */
  readonly causeId: string | undefined;
  readonly traceparent: string | undefined;
}

/** One numbered entry of an outbox. */
export type OutboxEffect =
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "record"; readonly record: EgressEffect };

/** What an effect weighs in an outbox: MetaRecord.outboxBytes is the sum of them. */
export function effectBytes(effect: OutboxEffect): number {
  if (effect.kind === "message") return messageBytes(effect.message);
  const { value, sender, traceparent } = effect.record;
  return 200 + valueBytes(value) + addressBytes(sender) + (traceparent?.length ?? 0);
}

export interface TimerRecord {
  readonly message: Message;
  readonly sender: Address | undefined;
  readonly token: string;
}

export interface StateRecord {
  /** Encoded entries, see persisted-value.ts; each holds a value. */
  readonly entries: Few<Uint8Array>;
  /** When a value ends, ms since the epoch; names not in it never do. */
  readonly expiries: Few<number>;
  /** The time under which the address stands in the expiry index; 0 when it does not. */
  sweepAtMs: number;
}

export interface OnceRecord {
  readonly target: Address;
  readonly key: string;
  readonly messageId: string;
  /** Empty for a send. */
  readonly callId: string;
  readonly expiresAtMs: number;
}

export interface CallRecord {
  readonly callId: string;
  /** Of the message that the caller sent. */
  readonly messageId: string;
  readonly target: Address;
  readonly expiresAtMs: number;
  readonly reply: TypedValue | undefined;
}

export interface ParkedRecord {
  readonly address: Address;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly sinceMs: number;
  readonly attempts: number;
}

export interface DeadRecord {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly atMs: number;
  readonly attempts: number;
  /** In whose turn it died: the sender of what could not be routed, or the target of what failed. */
  readonly address: Address | undefined;
  readonly what: OutboxEffect;
  /** `name/partition@offset` when it came from a source, else empty. */
  readonly source: string;
  /** The egress a record was meant for, else empty. */
  readonly egress: string;
}

export interface MetaRecord {
  readonly formatVersion: number;
  readonly application: string;
  readonly partition: number;
  readonly partitionCount: number;
  readonly incarnation: number;
  readonly session: number;
  readonly epoch: number;
  readonly nextSequence: number;
  readonly accepted: number;
  readonly finished: number;
  readonly mail: number;
  readonly timers: number;
  readonly outbox: number;
  readonly dead: number;
  /** What its outboxes weigh together. */
  readonly outboxBytes: number;
  /** The number of the last cut: the epoch that first holds it is the last in that cut. 0: there was none. */
  readonly barrier: number;
}

type WireMessage = statefold.stored.Message.$Properties;
type WireValue = statefold.stored.TypedValue.$Properties;
type WireAddress = statefold.stored.Address.$Properties;
function addressFrom(wire: WireAddress | null | undefined, field: string): Address {
  if (wire === null || wire === undefined) throw new RangeError(`its ${field} is missing`);
  return { type: wire.type ?? "", id: wire.id ?? "" };
}

const optionalAddress = (wire: WireAddress | null | undefined): Address | undefined =>
  wire === null || wire === undefined ? undefined : addressFrom(wire, "address");

function valueFrom(wire: WireValue | null | undefined): TypedValue {
  const value = {
    typename: wire?.typename ?? "",
    hasValue: wire?.hasValue ?? false,
    value: wire?.value ?? EMPTY_BYTES,
  };
  const metadata = wire?.metadata;
  return metadata && Object.keys(metadata).length > 0 ? { ...value, metadata } : value;
}

function messageFrom(wire: WireMessage | null | undefined): Message {
  if (wire === null || wire === undefined) throw new RangeError("its message is missing");
  return {
    target: addressFrom(wire.target, "target"),
    caller: optionalAddress(wire.caller),
    value: valueFrom(wire.value),
    id: wire.id ?? "",
    causeId: wire.causeId || undefined,
    acceptedAtMs: int(wire.acceptedAtMs),
    traceparent: wire.traceparent || undefined,
    headers: (wire.headers ?? []).map((header) => ({
      key: header.key ?? "",
      value: header.value ?? EMPTY_BYTES,
    })),
    ...(int(wire.recordAtMs) > 0 ? { recordAtMs: int(wire.recordAtMs) } : {}),
  };
}

function messageTo(message: Message): WireMessage {
  const { target, value, id, acceptedAtMs, recordAtMs = null } = message;
  return {
    target,
    value: valueTo(value),
    id,
    acceptedAtMs,
    recordAtMs,
    caller: message.caller ?? null,
    causeId: message.causeId ?? null,
    traceparent: message.traceparent ?? null,
    headers: [...message.headers],
  };
}

function valueTo({ typename, hasValue, value, metadata }: TypedValue): WireValue {
  return { typename, hasValue, value, metadata: metadata === undefined ? null : { ...metadata } };
}

export function encodeMessage(message: Message): Uint8Array {
  return stored.Message.encode(messageTo(message)).finish();
}

export function decodeMessage(bytes: Uint8Array): Message {
  return read("message", stored.Message, bytes, messageFrom);
}

export function encodeTimer(timer: TimerRecord): Uint8Array {
  return stored.Timer.encode({
    message: messageTo(timer.message),
    sender: timer.sender ?? null,
    token: timer.token,
  }).finish();
}

export function decodeTimer(bytes: Uint8Array): TimerRecord {
  return read("timer", stored.Timer, bytes, (wire) => ({
    message: messageFrom(wire.message),
    sender: optionalAddress(wire.sender),
    token: wire.token,
  }));
}

function effectTo(effect: OutboxEffect): statefold.stored.Effect.$Properties {
  if (effect.kind === "message") return { message: messageTo(effect.message) };
  return { record: recordTo(effect.record) };
}

function recordTo(record: EgressEffect): statefold.stored.Record.$Properties {
  return {
    value: valueTo(record.value),
    sender: record.sender,
    causeId: record.causeId ?? null,
    traceparent: record.traceparent ?? null,
  };
}

function effectFrom(
  message: WireMessage | null | undefined,
  record: statefold.stored.Record.$Properties | null | undefined,
): OutboxEffect {
  if (record === null || record === undefined) {
    return { kind: "message", message: messageFrom(message) };
  }
  return {
    kind: "record",
    record: {
      value: valueFrom(record.value),
      sender: addressFrom(record.sender, "sender"),
      causeId: record.causeId || undefined,
      traceparent: record.traceparent || undefined,
    },
  };
}

export function encodeOutbox(effects: readonly OutboxEffect[]): Uint8Array {
  return stored.Outbox.encode({ effects: effects.map(effectTo) }).finish();
}

export function decodeOutbox(bytes: Uint8Array): OutboxEffect[] {
  return read("outbox", stored.Outbox, bytes, ({ effects }) =>
    effects.map((effect) => effectFrom(effect.message, effect.record)),
  );
}

export function encodeState(state: StateRecord): Uint8Array {
  // Most have one value that never expires: then its bytes are all there is to write.
  const entries = state.entries.values();
  const [only] = entries;
  const isPlain = entries.length === 1 && state.expiries.size === 0 && state.sweepAtMs === 0;
  if (isPlain && only !== undefined) return only;
  const expiries = [...state.expiries].map(([name, atMs]) => ({ name, atMs }));
  const header = stored.State.encode({ expiries, sweepAtMs: state.sweepAtMs }).finish();
  return Buffer.concat([header, ...entries]);
}

/** The entries are copied out of `bytes`, so that a long-lived state does not pin a read buffer. */
export function decodeState(bytes: Uint8Array): StateRecord {
  return read("state", STATE, bytes, (state) => state);
}

const STATE = {
  decode: (bytes: Uint8Array): StateRecord =>
    onlyEntry(bytes) ?? stateFrom(stored.State.decode(bytes)),
};

/** Most states are one short value that never expires: then these are its bytes, and no others. */
function onlyEntry(bytes: Uint8Array): StateRecord | undefined {
  if (bytes[0] !== STATE_VALUES || bytes[1] !== bytes.byteLength - 2 || bytes[1] >= 0x80) {
    return undefined;
  }
  const entry = ownBytes(bytes.byteLength);
  entry.set(bytes);
  const state = { entries: new Few<Uint8Array>(), expiries: new Few<number>(), sweepAtMs: 0 };
  state.entries.set(stateEntryName(entry), entry);
  return state;
}

/** Tag of field 2, whose bytes follow. */
const STATE_VALUES = 0x12;

function stateFrom(wire: statefold.stored.State): StateRecord {
  const entries = new Few<Uint8Array>();
  for (const body of wire.values) {
    const entry = stored.State.encode({ values: [body] }).finish();
    entries.set(stateEntryName(entry), entry);
  }
  const expiries = new Few<number>();
  for (const expiry of wire.expiries) expiries.set(expiry.name ?? "", int(expiry.atMs));
  return { entries, expiries, sweepAtMs: int(wire.sweepAtMs) };
}

export function encodePosition(source: string, next: number): Uint8Array {
  return stored.Position.encode({ source, next }).finish();
}

export function decodePosition(bytes: Uint8Array): { source: string; next: number } {
  return read("position", stored.Position, bytes, (wire) => ({
    source: named(wire.source, "source"),
    next: int(wire.next),
  }));
}

export function encodeOnce(once: OnceRecord): Uint8Array {
  return stored.Once.encode(once).finish();
}

export function decodeOnce(bytes: Uint8Array): OnceRecord {
  return read("idempotency key", stored.Once, bytes, (wire) => ({
    target: addressFrom(wire.target, "target"),
    key: wire.key,
    messageId: wire.messageId,
    callId: wire.callId,
    expiresAtMs: int(wire.expiresAtMs),
  }));
}

export function encodeCall(call: CallRecord): Uint8Array {
  const replied = call.reply !== undefined;
  const reply = call.reply === undefined ? null : valueTo(call.reply);
  return stored.Call.encode({ ...call, replied, reply }).finish();
}

export function decodeCall(bytes: Uint8Array): CallRecord {
  return read("call", stored.Call, bytes, (wire) => ({
    callId: named(wire.callId, "id"),
    messageId: wire.messageId,
    target: addressFrom(wire.target, "target"),
    expiresAtMs: int(wire.expiresAtMs),
    reply: wire.replied ? valueFrom(wire.reply) : undefined,
  }));
}

export function encodeParked(parked: ParkedRecord): Uint8Array {
  return stored.Parked.encode(parked).finish();
}

export function decodeParked(bytes: Uint8Array): ParkedRecord {
  return read("parked address", stored.Parked, bytes, (wire) => ({
    address: addressFrom(wire.address, "address"),
    code: codeFrom(wire.code),
    reason: wire.reason,
    sinceMs: int(wire.sinceMs),
    attempts: wire.attempts,
  }));
}

export function encodeDead(dead: DeadRecord): Uint8Array {
  const { what, ...rest } = dead;
  const wire = { ...rest, address: dead.address ?? null, ...effectTo(what) };
  return stored.Dead.encode(wire).finish();
}

export function decodeDead(bytes: Uint8Array): DeadRecord {
  return read("dead letter", stored.Dead, bytes, (wire) => ({
    code: codeFrom(wire.code),
    reason: wire.reason,
    atMs: int(wire.atMs),
    attempts: wire.attempts,
    address: optionalAddress(wire.address),
    what: effectFrom(wire.message, wire.record),
    source: wire.source,
    egress: wire.egress,
  }));
}

const EXPIRE_MODES: readonly ExpireMode[] = ["never", "afterWrite", "afterInvoke"];

export function encodeSpecs(type: string, specs: Iterable<StateSpec>): Uint8Array {
  const wire = [...specs].map((spec) => ({
    name: spec.name,
    typename: spec.typename,
    expireMode: EXPIRE_MODES.indexOf(spec.expireMode),
    expireAfterMs: spec.expireAfterMs,
  }));
  return stored.Specs.encode({ type, specs: wire }).finish();
}

export function decodeSpecs(bytes: Uint8Array): { type: string; specs: StateSpec[] } {
  return read("list of states", stored.Specs, bytes, (wire) => ({
    type: named(wire.type, "type"),
    specs: wire.specs.map((spec) => ({
      name: spec.name ?? "",
      typename: spec.typename ?? "",
      expireMode: expireModeFrom(spec.expireMode ?? 0),
      expireAfterMs: int(spec.expireAfterMs),
    })),
  }));
}

function expireModeFrom(number: number): ExpireMode {
  const mode = EXPIRE_MODES[number];
  if (mode === undefined) throw new RangeError(`the expiry mode ${number} is unknown`);
  return mode;
}

export function encodeMeta(meta: MetaRecord): Uint8Array {
  return stored.Meta.encode(meta).finish();
}

export function decodeMeta(bytes: Uint8Array): MetaRecord {
  return read("record of the partition", stored.Meta, bytes, (wire) => ({
    formatVersion: wire.formatVersion,
    application: wire.application,
    partition: wire.partition,
    partitionCount: wire.partitionCount,
    incarnation: int(wire.incarnation),
    session: int(wire.session),
    epoch: int(wire.epoch),
    nextSequence: int(wire.nextSequence),
    accepted: int(wire.accepted),
    finished: int(wire.finished),
    mail: int(wire.mail),
    timers: int(wire.timers),
    outbox: int(wire.outbox),
    dead: int(wire.dead),
    outboxBytes: int(wire.outboxBytes),
    barrier: int(wire.barrier),
  }));
}

/** A code written by a newer version reads as INTERNAL; the reason beside it still tells. */
function codeFrom(text: string): ErrorCode {
  return Object.hasOwn(ERRORS, text) ? (text as ErrorCode) : "INTERNAL";
}
