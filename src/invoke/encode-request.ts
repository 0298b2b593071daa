import { assert } from "../base/assert.ts";
import { WireWriter } from "../base/wire-writer.ts";
import type { Address } from "../model/address.ts";
import type { Invocation } from "../model/invocation.ts";
import type { Message } from "../model/message.ts";
import type { TypedValue } from "../model/typed-value.ts";

/*
 * ToFunction, written by hand: it is made for every call, and the states are copied as they lie in the
 * store. The grammar is proto/statefun/request-reply.proto; the writer goes from the end to the
 * beginning, so the fields of each message stand here in reverse. The tags of it:
 */
const FRAMES_CALL = 0x0a;
const TO_FUNCTION_INVOCATION = (100 << 3) | 2;
const TO_FUNCTION_FRAME = 1000 << 3;
const BATCH_TARGET = 0x0a;
const BATCH_INVOCATIONS = 0x1a;
const ADDRESS_NAMESPACE = 0x0a;
const ADDRESS_TYPE = 0x12;
const ADDRESS_ID = 0x1a;
const INVOCATION_CALLER = 0x0a;
const INVOCATION_ARGUMENT = 0x12;
const INVOCATION_MESSAGE_ID = (1000 << 3) | 2;
const INVOCATION_ACCEPTED_AT_MS = 1001 << 3;
const INVOCATION_ATTEMPT = 1002 << 3;
const INVOCATION_TRACEPARENT = (1003 << 3) | 2;
const INVOCATION_HEADERS = (1004 << 3) | 2;
const VALUE_TYPENAME = 0x0a;
const VALUE_HAS_VALUE = 0x10;
const VALUE_VALUE = 0x1a;
const VALUE_METADATA = 0x22;
const ENTRY_KEY = 0x0a;
const ENTRY_VALUE = 0x12;

/** One for all requests: a request is written in one go. */
const writer = new WireWriter();

function writeAddress(tag: number, address: Address): void {
  const mark = writer.mark();
  const slash = address.type.indexOf("/");
  if (address.id !== "") writer.string(ADDRESS_ID, address.id);
  writer.string(ADDRESS_TYPE, address.type.slice(slash + 1));
  writer.string(ADDRESS_NAMESPACE, address.type.slice(0, slash));
  writer.message(tag, mark);
}

function writeEntry(tag: number, key: string, value: Uint8Array): void {
  const mark = writer.mark();
  writer.bytes(ENTRY_VALUE, value);
  writer.string(ENTRY_KEY, key);
  writer.message(tag, mark);
}

function writeValue(tag: number, value: TypedValue): void {
  const mark = writer.mark();
  if (value.metadata !== undefined) {
    for (const [key, bytes] of Object.entries(value.metadata).reverse()) {
      writeEntry(VALUE_METADATA, key, bytes);
    }
  }
  if (value.value.byteLength > 0) writer.bytes(VALUE_VALUE, value.value);
  if (value.hasValue) {
    writer.varint(1);
    writer.varint(VALUE_HAS_VALUE);
  }
  if (value.typename !== "") writer.string(VALUE_TYPENAME, value.typename);
  writer.message(tag, mark);
}

function writeMessage(message: Message, attempt: number): void {
  const mark = writer.mark();
  for (let at = message.headers.length - 1; at >= 0; at--) {
    const header = message.headers[at];
    if (header !== undefined) writeEntry(INVOCATION_HEADERS, header.key, header.value);
  }
  if (message.traceparent !== undefined) {
    writer.string(INVOCATION_TRACEPARENT, message.traceparent);
  }
  writer.varint(attempt);
  writer.varint(INVOCATION_ATTEMPT);
  writer.varint(message.acceptedAtMs);
  writer.varint(INVOCATION_ACCEPTED_AT_MS);
  writer.string(INVOCATION_MESSAGE_ID, message.id);
  writeValue(INVOCATION_ARGUMENT, message.value);
  if (message.caller !== undefined) writeAddress(INVOCATION_CALLER, message.caller);
  writer.message(BATCH_INVOCATIONS, mark);
}

function writeInvocation({ target, state, messages, attempt }: Invocation): void {
  assert(messages.length > 0, "a call carries at least one message");
  const mark = writer.mark();
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at];
    if (message !== undefined) writeMessage(message, attempt);
  }
  for (let at = state.length - 1; at >= 0; at--) {
    const entry = state[at];
    if (entry !== undefined) writer.raw(entry);
  }
  writeAddress(BATCH_TARGET, target);
  writer.message(TO_FUNCTION_INVOCATION, mark);
}

/** The body of the request: a ToFunction. */
export function encodeRequest(invocation: Invocation): Buffer {
  writer.reset();
  writeInvocation(invocation);
  return writer.finish();
}

/** The body of a request of many calls: ToFunctions. The frame of each is its place in the list, from 1. */
export function encodeRequests(invocations: readonly Invocation[]): Buffer {
  writer.reset();
  for (let at = invocations.length - 1; at >= 0; at--) {
    const invocation = invocations[at];
    if (invocation === undefined) continue;
    const mark = writer.mark();
    writeInvocation(invocation);
    writer.varint(at + 1);
    writer.varint(TO_FUNCTION_FRAME);
    writer.message(FRAMES_CALL, mark);
  }
  return writer.finish();
}
