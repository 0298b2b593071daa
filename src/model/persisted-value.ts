import { fromUtf8, utf8Length, writeUtf8 } from "../base/bytes.ts";
import { roomToPack } from "../base/packed.ts";
import type { TypedValue } from "./typed-value.ts";

/**
 * One entry of the protocol's `repeated PersistedValue state = 2`, as it stands in a request, in the
 * store and in memory alike:
 *
 *   entry      = 12 length PersistedValue
 *   Persisted… = 0a length state_name [ 12 length TypedValue ]
 *   TypedValue = 0a length typename  10 01 [ 1a length value ]
 *
 * (hex bytes are protobuf tags; lengths are varints; a value without bytes is left out.) It is written once, when a function sets the state,
 * and from then on only copied.
 */

/** The entry of a state that holds a value. */
export function encodeStateEntry(name: string, typename: string, value: Uint8Array): Uint8Array {
  const nameBytes = utf8Length(name);
  const typeBytes = utf8Length(typename);
  const valueBytes = value.byteLength;
  const typed = sized(typeBytes) + 2 + (valueBytes === 0 ? 0 : sized(valueBytes));
  const body = sized(nameBytes) + 1 + varintBytes(typed) + typed;
  const entry = roomToPack(1 + varintBytes(body) + body);
  let at = writeTagged(entry, 0, 0x12, body);
  at = writeText(entry, at, 0x0a, name, nameBytes);
  at = writeTagged(entry, at, 0x12, typed);
  at = writeText(entry, at, 0x0a, typename, typeBytes);
  entry[at++] = 0x10;
  entry[at++] = 0x01;
  if (valueBytes > 0) entry.set(value, writeTagged(entry, at, 0x1a, valueBytes));
  return entry;
}

/** The entry of a registered state without a value: the name alone. */
export function encodeEmptyStateEntry(name: string): Uint8Array {
  const nameBytes = utf8Length(name);
  const body = sized(nameBytes);
  const entry = roomToPack(1 + varintBytes(body) + body);
  writeText(entry, writeTagged(entry, 0, 0x12, body), 0x0a, name, nameBytes);
  return entry;
}

/** The entry whose tag and length were taken off: the PersistedValue in it. */
export function stateEntryAround(body: Uint8Array): Uint8Array {
  const entry = roomToPack(sized(body.byteLength));
  entry.set(body, writeTagged(entry, 0, 0x12, body.byteLength));
  return entry;
}

export interface StateEntry {
  readonly name: string;
  readonly value: TypedValue;
}

/** Reads an entry back; `value` is a view into it. */
export function decodeStateEntry(entry: Uint8Array): StateEntry {
  const body = fieldsOf(entry).get(2);
  if (body === undefined) throw new RangeError("a state entry without a body");
  const fields = fieldsOf(body);
  const typed = fields.get(2);
  const inner = typed === undefined ? new Map<number, Uint8Array>() : fieldsOf(typed);
  return {
    name: text(fields.get(1)),
    value: {
      typename: text(inner.get(1)),
      hasValue: typed !== undefined,
      value: inner.get(3) ?? new Uint8Array(0),
    },
  };
}

/** The name in an entry, without reading the rest. */
export function stateEntryName(entry: Uint8Array): string {
  let at = skipVarint(entry, 1);
  if (entry[at] !== 0x0a) return "";
  const length = readVarint(entry, at + 1);
  at = skipVarint(entry, at + 1);
  return fromUtf8(entry.subarray(at, at + length));
}

export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** A one-byte tag, a length, and so many bytes. */
function sized(length: number): number {
  return 1 + varintBytes(length) + length;
}

function writeTagged(target: Uint8Array, start: number, tag: number, length: number): number {
  let at = start;
  target[at++] = tag;
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80;
  target[at++] = rest;
  return at;
}

function writeText(to: Uint8Array, start: number, tag: number, text: string, bytes: number) {
  return writeUtf8(to, writeTagged(to, start, tag, bytes), text, bytes);
}

function readVarint(bytes: Uint8Array, start: number): number {
  let value = 0;
  let scale = 1;
  for (let at = start; ; at++) {
    const byte = bytes[at];
    if (byte === undefined || scale > 2 ** 42) throw new RangeError("a varint without an end");
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
}

function skipVarint(bytes: Uint8Array, start: number): number {
  let at = start;
  while ((bytes[at++] ?? 0) >= 0x80);
  return at;
}

/** The length-delimited fields of a message by number; varint fields are stepped over. */
function fieldsOf(bytes: Uint8Array): Map<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>();
  let at = 0;
  while (at < bytes.byteLength) {
    const tag = readVarint(bytes, at);
    at = skipVarint(bytes, at);
    if ((tag & 7) === 0) {
      at = skipVarint(bytes, at);
      continue;
    }
    const length = readVarint(bytes, at);
    at = skipVarint(bytes, at);
    fields.set(tag >>> 3, bytes.subarray(at, at + length));
    at += length;
  }
  return fields;
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : Buffer.from(bytes).toString("utf8");
}
