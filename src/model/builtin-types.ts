import { EMPTY_BYTES, fromUtf8, utf8 } from "../base/bytes.ts";
import { StatefoldError } from "../base/errors.ts";

/**
 * The value types every SDK knows, as bytes, as values and as JSON. Each is a message with the one field
 * `value = 1` (proto/statefun/types.proto); a zero value is zero bytes:
 *
 *     bool    08 01                     varint
 *     int     0d + 4 bytes              sfixed32, little-endian
 *     float   0d + 4 bytes              IEEE 754
 *     long    09 + 8 bytes              sfixed64
 *     double  09 + 8 bytes              IEEE 754
 *     string  0a + length + UTF-8
 */
export type BuiltinType = (typeof BUILTIN_TYPES)[number];

export const BUILTIN_TYPES = [
  "io.statefun.types/bool",
  "io.statefun.types/int",
  "io.statefun.types/float",
  "io.statefun.types/long",
  "io.statefun.types/double",
  "io.statefun.types/string",
] as const;

export const STRING_TYPE = "io.statefun.types/string";

/** bool is a boolean, string a string, long a bigint, the others numbers. */
export type BuiltinValue = boolean | number | bigint | string;

export function isBuiltinType(typename: string): typename is BuiltinType {
  return (
    typename.startsWith("io.statefun.types/") && BUILTIN_TYPES.includes(typename as BuiltinType)
  );
}

/** A string, wrapped as every SDK reads it. */
export function encodeString(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? utf8(text) : text;
  const length = bytes.byteLength;
  if (length === 0) return bytes;
  let head = 2;
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) head++;
  const wrapped = new Uint8Array(head + length);
  wrapped[0] = 0x0a;
  let rest = length;
  for (let at = 1; at < head; at++) {
    wrapped[at] = (rest & 0x7f) | (at < head - 1 ? 0x80 : 0);
    rest >>>= 7;
  }
  wrapped.set(bytes, head);
  return wrapped;
}

/**
 * The UTF-8 bytes inside a wrapped string, as a view.
 *
 * @throws REQUEST_INVALID when the bytes are no wrapped string
 */
export function unwrapString(wrapped: Uint8Array): Uint8Array {
  if (wrapped.byteLength === 0) return wrapped;
  let length = 0;
  let at = 1;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = wrapped[at++] ?? 0;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (wrapped[0] !== 0x0a || at + length !== wrapped.byteLength) throw notWire(STRING_TYPE);
  return wrapped.subarray(at);
}

/**
 * The value in a built-in type's bytes.
 *
 * @throws REQUEST_INVALID when the bytes are no value of the type
 */
export function decodeBuiltin(type: BuiltinType, bytes: Uint8Array): BuiltinValue {
  const length = bytes.byteLength;
  switch (type) {
    case "io.statefun.types/bool":
      if (length === 0) return false;
      if (length !== 2 || bytes[0] !== 0x08 || (bytes[1] ?? 2) > 1) throw notWire(type);
      return bytes[1] === 1;
    case "io.statefun.types/int":
      return length === 0 ? 0 : fixed(type, bytes, 0x0d, 5).getInt32(1, true);
    case "io.statefun.types/float":
      return length === 0 ? 0 : fixed(type, bytes, 0x0d, 5).getFloat32(1, true);
    case "io.statefun.types/long":
      return length === 0 ? 0n : fixed(type, bytes, 0x09, 9).getBigInt64(1, true);
    case "io.statefun.types/double":
      return length === 0 ? 0 : fixed(type, bytes, 0x09, 9).getFloat64(1, true);
    case "io.statefun.types/string":
      return strictUtf8(unwrapString(bytes), type);
  }
}

/**
 * A built-in value's JSON text. A long beyond ±(2^53-1), which most readers of JSON would round, and a
 * number that JSON does not know (NaN, Infinity) are strings, as in protobuf's own JSON.
 */
export function builtinToJson(type: BuiltinType, bytes: Uint8Array): string {
  const value = decodeBuiltin(type, bytes);
  if (typeof value === "bigint") {
    const isSafe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
    return isSafe ? String(value) : `"${value}"`;
  }
  if (typeof value !== "number") return JSON.stringify(value);
  if (!Number.isFinite(value)) return `"${value}"`;
  if (Object.is(value, -0)) return "-0";
  return type === "io.statefun.types/float" ? shortestFloat(value) : String(value);
}

/**
 * The bytes of a built-in type, from JSON text; the reverse of {@link builtinToJson}. Numbers may also be
 * written as strings.
 *
 * @throws REQUEST_INVALID that says what the type takes
 */
export function builtinFromJson(type: BuiltinType, json: string): Uint8Array {
  const text = json.trim();
  const value = parseJson(type, text);
  const literal = typeof value === "string" ? value : text;
  switch (type) {
    case "io.statefun.types/bool":
      if (typeof value !== "boolean") throw notJson(type, "true or false", text);
      return value ? Uint8Array.of(0x08, 1) : EMPTY_BYTES;
    case "io.statefun.types/int": {
      const n = Number(wholeNumber(type, 32, value, literal));
      return packed(Object.is(n, 0), 0x0d, 5, (view) => view.setInt32(1, n, true));
    }
    case "io.statefun.types/long": {
      const n = wholeNumber(type, 64, value, literal);
      return packed(n === 0n, 0x09, 9, (view) => view.setBigInt64(1, n, true));
    }
    case "io.statefun.types/float": {
      const n = anyNumber(type, value, literal);
      const rounded = Math.fround(n);
      if (Number.isFinite(n) && !Number.isFinite(rounded)) {
        throw notJson(type, "a number that fits into 32 bits", text);
      }
      return packed(Object.is(rounded, 0), 0x0d, 5, (view) => view.setFloat32(1, rounded, true));
    }
    case "io.statefun.types/double": {
      const n = anyNumber(type, value, literal);
      return packed(Object.is(n, 0), 0x09, 9, (view) => view.setFloat64(1, n, true));
    }
    case "io.statefun.types/string":
      if (typeof value !== "string") throw notJson(type, "a JSON string", text);
      return encodeString(value);
  }
}

function parseJson(type: BuiltinType, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StatefoldError("REQUEST_INVALID", `the value is not JSON, as wanted for ${type}`, {
      cause: error,
    });
  }
}

function wholeNumber(type: BuiltinType, bits: number, value: unknown, literal: string): bigint {
  const isNumber = typeof value === "number" || typeof value === "string";
  const n = isNumber && /^-?\d{1,20}$/.test(literal) ? BigInt(literal) : undefined;
  if (n === undefined || BigInt.asIntN(bits, n) !== n) {
    throw notJson(type, `a whole number of at most ${bits} bits`, literal);
  }
  return n;
}

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

function anyNumber(type: BuiltinType, value: unknown, literal: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "string") {
    if (/^(NaN|-?Infinity)$/.test(literal)) return Number(literal);
    if (NUMBER.test(literal) && Number.isFinite(Number(literal))) return Number(literal);
  }
  throw notJson(type, "a number", literal);
}

function packed(
  isZero: boolean,
  tag: number,
  length: number,
  fill: (view: DataView) => void,
): Uint8Array {
  if (isZero) return EMPTY_BYTES;
  const bytes = new Uint8Array(length);
  bytes[0] = tag;
  fill(new DataView(bytes.buffer));
  return bytes;
}

function fixed(type: BuiltinType, bytes: Uint8Array, tag: number, length: number): DataView {
  if (bytes.byteLength !== length || bytes[0] !== tag) throw notWire(type);
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

/** 0.1, not 0.10000000149011612: the fewest digits that give the same 32 bits again. */
function shortestFloat(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(value);
}

function strictUtf8(bytes: Uint8Array, type: BuiltinType): string {
  const text = fromUtf8(bytes);
  if (text.includes("\ufffd") && Buffer.compare(utf8(text), bytes) !== 0) throw notWire(type);
  return text;
}

function notWire(type: BuiltinType): StatefoldError {
  return new StatefoldError("REQUEST_INVALID", `the bytes are not a serialized ${type}`);
}

function notJson(type: BuiltinType, wanted: string, got: string): StatefoldError {
  const shown = got.length > 40 ? `${got.slice(0, 40)}…` : got;
  return new StatefoldError("REQUEST_INVALID", `${type} takes ${wanted}, not ${shown}`);
}
