/**
 * The built-in types of fixed width. Each value is a message with the one field 1, as canonical proto3:
 *
 *   zero and false   no bytes at all
 *   bool             08 01
 *   int              0d, 4 bytes    (sfixed32)
 *   float            0d, 4 bytes
 *   long             09, 8 bytes    (sfixed64)
 *   double           09, 8 bytes    all little-endian
 *
 * Written by hand since nothing else is allowed: the Java SDK reads them by hand too.
 */
import type { ValueType } from "./value-type.ts";

const TAG_VARINT = 0x08;
const TAG_FIXED32 = 0x0d;
const TAG_FIXED64 = 0x09;

const NO_BYTES = new Uint8Array(0);
const TRUE_BYTES = Uint8Array.of(TAG_VARINT, 1);

/**
 * A message of one value, being written or read: its tag, and up to 8 bytes. One for all, since a view of a few
 * bytes takes an ArrayBuffer of their own, which costs more than everything else here.
 */
const scratch = new Uint8Array(9);
const view = new DataView(scratch.buffer);

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/** io.statefun.types/bool */
export const boolean: ValueType<boolean> = {
  typename: "io.statefun.types/bool",
  serialize(value) {
    if (typeof value !== "boolean") throw new TypeError("give true or false");
    return value ? TRUE_BYTES.slice() : NO_BYTES;
  },
  deserialize(bytes) {
    if (bytes.length === 0) return false;
    if (bytes.length !== 2 || bytes[0] !== TAG_VARINT) throw wrongBytes("bool", bytes);
    return bytes[1] !== 0;
  },
};

/** io.statefun.types/int: whole numbers of 32 bits. */
export const int: ValueType<number> = {
  typename: "io.statefun.types/int",
  serialize(value) {
    if (typeof value !== "number" || (value | 0) !== value) {
      throw new RangeError("give a whole number from -2147483648 to 2147483647, or use types.long");
    }
    if (value === 0) return NO_BYTES;
    view.setInt32(1, value, true);
    return written(TAG_FIXED32);
  },
  deserialize(bytes) {
    if (bytes.length === 0) return 0;
    return field(bytes, TAG_FIXED32, "int").getInt32(1, true);
  },
};

/** io.statefun.types/float: rounded to 32 bits. */
export const float: ValueType<number> = {
  typename: "io.statefun.types/float",
  serialize(value) {
    if (typeof value !== "number") throw new TypeError("give a number");
    if (Object.is(value, 0)) return NO_BYTES;
    view.setFloat32(1, value, true);
    return written(TAG_FIXED32);
  },
  deserialize(bytes) {
    if (bytes.length === 0) return 0;
    return field(bytes, TAG_FIXED32, "float").getFloat32(1, true);
  },
};

/** io.statefun.types/double */
export const double: ValueType<number> = {
  typename: "io.statefun.types/double",
  serialize(value) {
    if (typeof value !== "number") throw new TypeError("give a number");
    if (Object.is(value, 0)) return NO_BYTES;
    view.setFloat64(1, value, true);
    return written(TAG_FIXED64);
  },
  deserialize(bytes) {
    if (bytes.length === 0) return 0;
    return field(bytes, TAG_FIXED64, "double").getFloat64(1, true);
  },
};

/**
 * io.statefun.types/long: whole numbers of 64 bits. Takes a bigint or a safe integer. Gives a number
 * when the value is a safe integer, and a bigint when it is not, so nothing is ever rounded.
 */
export const long: ValueType<number | bigint> = {
  typename: "io.statefun.types/long",
  serialize: writeLong,
  deserialize(bytes) {
    return readSafe(bytes) ?? readBigint(bytes);
  },
};

/** io.statefun.types/long as a plain number. Refuses to read what a number cannot hold exactly. */
export const longAsNumber: ValueType<number> = {
  typename: "io.statefun.types/long",
  serialize: writeLong,
  deserialize(bytes) {
    const value = readSafe(bytes);
    if (value !== undefined) return value;
    throw new RangeError(`${readBigint(bytes)} is beyond the safe integers: use types.long`);
  },
};

/** io.statefun.types/long as a bigint, always. */
export const longAsBigint: ValueType<bigint> = {
  typename: "io.statefun.types/long",
  serialize: writeLong,
  deserialize: readBigint,
};

function writeLong(value: number | bigint): Uint8Array {
  if (typeof value === "bigint") {
    if (value < LONG_MIN || value > LONG_MAX) throw new RangeError("it does not fit 64 bits");
  } else if (!Number.isSafeInteger(value)) {
    throw new RangeError("give a bigint, or a number that is a safe integer");
  }
  if (value === 0 || value === 0n) return NO_BYTES;
  if (typeof value === "bigint") {
    view.setBigInt64(1, value, true);
  } else {
    view.setUint32(1, value >>> 0, true);
    view.setInt32(5, Math.floor(value / 2 ** 32), true);
  }
  return written(TAG_FIXED64);
}

function readBigint(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : field(bytes, TAG_FIXED64, "long").getBigInt64(1, true);
}

function readSafe(bytes: Uint8Array): number | undefined {
  if (bytes.length === 0) return 0;
  const low = field(bytes, TAG_FIXED64, "long").getUint32(1, true);
  const value = view.getInt32(5, true) * 2 ** 32 + low;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The view, with the message in it, after checking that it is `tag` and one value of its width. */
function field(bytes: Uint8Array, tag: number, name: string): DataView {
  if (bytes.length !== lengthOf(tag) || bytes[0] !== tag) throw wrongBytes(name, bytes);
  for (let at = 0; at < bytes.length; at++) scratch[at] = bytes[at] ?? 0;
  return view;
}

/** The message whose value is in the view. */
function written(tag: number): Uint8Array {
  scratch[0] = tag;
  return scratch.slice(0, lengthOf(tag));
}

const lengthOf = (tag: number): number => (tag === TAG_FIXED32 ? 5 : 9);

function wrongBytes(name: string, bytes: Uint8Array): Error {
  const start = Array.from(bytes.subarray(0, 10), (byte) => byte.toString(16).padStart(2, "0"));
  return new RangeError(`${bytes.length} bytes (${start.join(" ")}) are no ${name} of StateFun's`);
}
