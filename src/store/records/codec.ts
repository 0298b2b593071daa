/**
 * What the records of this folder are made of: proto/statefold/stored.proto, written and read by hand, since
 * each message that waits is written and each that was stored is read. The generated code is what the tests
 * compare with.
 *
 * A tag is `field number << 3 | wire type`. The writer goes from the end to the beginning, so the fields of
 * each record stand in its `write…` in reverse. What is at its default is left out, as proto3 does, but an
 * address or a value that is there, since its absence means something.
 *
 * Every decoder throws StatefoldError STORE_CORRUPT, which says what record it is and what is wrong, for
 * bytes that are not that record: fields that no record of its kind is written without are missing, or it is
 * none. Fields that nobody here knows are stepped over. Long bytes are views of what was read.
 */
import { EMPTY_BYTES } from "../../base/bytes.ts";
import { describeError, StatefoldError } from "../../base/errors.ts";
import { WireReader } from "../../base/wire-reader.ts";
import { WireWriter } from "../../base/wire-writer.ts";
import type { Address } from "../../model/address.ts";
import type { TypedValue } from "../../model/typed-value.ts";

/** One for all: a record is written in one go. */
const writer = new WireWriter();

/** The bytes of a record, which are nobody else's. */
export function encode<T>(write: (to: WireWriter, record: T) => void, record: T): Uint8Array {
  try {
    write(writer, record);
    return writer.finish();
  } catch (error) {
    writer.reset();
    throw error;
  }
}

/** @throws StatefoldError STORE_CORRUPT for whatever goes wrong meanwhile */
export function decode<T>(
  what: string,
  read: (from: WireReader, bytes: Uint8Array) => T,
  bytes: Uint8Array,
): T {
  try {
    return read(new WireReader(bytes), bytes);
  } catch (error) {
    const text = `a stored ${what} of ${bytes.byteLength} bytes cannot be read: ${describeError(error)}`;
    throw new StatefoldError("STORE_CORRUPT", text, { cause: error });
  }
}

/** A text; undefined and the empty one are left out. */
export function writeText(to: WireWriter, tag: number, text: string | undefined): void {
  if (text !== undefined && text !== "") to.string(tag, text);
}

/** A whole number, or its whole part; 0 is left out. */
export function writeInt(to: WireWriter, tag: number, number: number): void {
  const whole = Math.trunc(number);
  if (whole === 0) return;
  to.int64(whole);
  to.varint(tag);
}

export function writeAddress(to: WireWriter, tag: number, { type, id }: Address): void {
  const mark = to.mark();
  writeText(to, 0x12, id);
  writeText(to, 0x0a, type);
  to.message(tag, mark);
}

export function writeValue(to: WireWriter, tag: number, value: TypedValue): void {
  const mark = to.mark();
  if (value.metadata !== undefined) {
    for (const [key, bytes] of Object.entries(value.metadata).reverse()) {
      writePair(to, 0x22, key, bytes);
    }
  }
  if (value.value.byteLength > 0) to.bytes(0x1a, value.value);
  if (value.hasValue) {
    to.varint(1);
    to.varint(0x10);
  }
  writeText(to, 0x0a, value.typename);
  to.message(tag, mark);
}

/** A header, or an entry of a map, whose bytes are written also where there are none: not every reader knows what that means. */
export function writePair(to: WireWriter, tag: number, key: string, bytes: Uint8Array): void {
  const mark = to.mark();
  to.bytes(0x12, bytes);
  writeText(to, 0x0a, key);
  to.message(tag, mark);
}

/** @throws RangeError for what is more than a whole number can be */
export function readInt(from: WireReader, field: string): number {
  const number = from.int64(field);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${number} was never written`);
  return number;
}

export function readAddress(from: WireReader): Address {
  let type = "";
  let id = "";
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) type = from.name("an address's type");
    else if (field === 2) id = from.string("an address's id");
    else from.skip();
  }
  return { type, id };
}

export const NO_VALUE: TypedValue = { typename: "", hasValue: false, value: EMPTY_BYTES };

export function readValue(from: WireReader): TypedValue {
  let typename = "";
  let hasValue = false;
  let value: Uint8Array = EMPTY_BYTES;
  let metadata: [key: string, bytes: Uint8Array][] | undefined;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) typename = from.name("a value's typename");
    else if (field === 2) hasValue = from.bool("a value's has_value");
    else if (field === 3) value = from.bytes("a value's bytes");
    else if (field === 4) {
      const { key, value: bytes } = from.message("a value's metadata", readPair);
      metadata ??= [];
      metadata.push([key, bytes]);
    } else from.skip();
  }
  if (metadata === undefined) return { typename, hasValue, value };
  return { typename, hasValue, value, metadata: Object.fromEntries(metadata) };
}

export function readPair(from: WireReader): { readonly key: string; readonly value: Uint8Array } {
  let key = "";
  let value: Uint8Array = EMPTY_BYTES;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) key = from.string("a key");
    else if (field === 2) value = from.bytes("the bytes of a key");
    else from.skip();
  }
  return { key, value };
}

/** @throws RangeError when it is not there */
export function present<T>(part: T | undefined, field: string): T {
  if (part === undefined) throw new RangeError(`its ${field} is missing`);
  return part;
}

/** @throws RangeError when it is empty */
export function named(name: string, field: string): string {
  if (name === "") throw new RangeError(`its ${field} is missing`);
  return name;
}
