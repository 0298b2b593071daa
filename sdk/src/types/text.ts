import type { ValueType } from "./value-type.ts";
import { requireValueTypeName } from "./value-type.ts";

const TAG_STRING = 0x0a;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * io.statefun.types/string: a message with the one field 1, as canonical proto3, so that "" is no bytes.
 * A lone surrogate is written as U+FFFD; malformed UTF-8 is refused.
 */
export const string: ValueType<string> = {
  typename: "io.statefun.types/string",
  serialize(value) {
    if (typeof value !== "string") throw new TypeError("give a string");
    if (value === "") return new Uint8Array(0);
    const text = encoder.encode(value);
    const start = 1 + varintLength(text.length);
    const bytes = new Uint8Array(start + text.length);
    bytes[0] = TAG_STRING;
    let rest = text.length;
    for (let at = 1; at < start; at++) {
      bytes[at] = at === start - 1 ? rest : (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes.set(text, start);
    return bytes;
  },
  deserialize(bytes) {
    if (bytes.length === 0) return "";
    let length = 0;
    let at = 1;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++] ?? 0;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (bytes[0] !== TAG_STRING || at + length !== bytes.length) {
      throw new RangeError(
        "the bytes are no string of StateFun's; plain text needs a type of its own (types.text)",
      );
    }
    return decoder.decode(bytes.subarray(at));
  },
};

/**
 * io.statefun.types/bytes: the bytes themselves, with nothing around them. The official SDKs have no such
 * type built in; there it is a custom type of this name that does nothing.
 */
export const bytes: ValueType<Uint8Array> = raw("io.statefun.types/bytes");

/** Bytes under a name of your own, such as the `valueType` of a Kafka topic. */
export function raw(typename: string): ValueType<Uint8Array> {
  return {
    typename: requireValueTypeName(typename),
    serialize(value) {
      if (!(value instanceof Uint8Array)) throw new TypeError("give a Uint8Array");
      return new Uint8Array(value);
    },
    deserialize(value) {
      return new Uint8Array(value);
    },
  };
}

/** Plain UTF-8 text with nothing around it, under a name of your own: the text records of a Kafka topic. */
export function text(typename: string): ValueType<string> {
  return {
    typename: requireValueTypeName(typename),
    serialize(value) {
      if (typeof value !== "string") throw new TypeError("give a string");
      return encoder.encode(value);
    },
    deserialize(value) {
      return decoder.decode(value);
    },
  };
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++;
  return length;
}
