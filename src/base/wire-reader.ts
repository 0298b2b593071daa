import { ownBytes } from "./bytes.ts";

/**
 * Protocol buffers, read from bytes that nobody has checked. Long bytes fields are views of the input, not
 * copies. Anything malformed is a {@link WireError}: a truncated field, a wire type that the field does
 * not have, text that is no UTF-8.
 */
export class WireError extends Error {
  override readonly name = "WireError";
}

const WIRE_TYPES = ["varint", "fixed64", "length-delimited", "group", "group end", "fixed32"];

/** Stands in for what cannot be decoded; where it shows up the bytes are looked at again, strictly. */
const REPLACEMENT = "\ufffd";
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const TWO_32 = 0x100000000;
const FEW_BYTES = 64;

/** Texts that were read as names, each where its length and some of its bytes say; a later one takes its place. */
const NAMES = 256;
const LONGEST_NAME = 64;
const names: string[] = Array.from({ length: NAMES }, () => "");

export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  #end: number;
  /** Of the field whose tag was read last. */
  #wireType = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes =
      bytes instanceof Buffer
        ? bytes
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#end = bytes.byteLength;
  }

  /** The next field's number, or 0 at the end of the message. */
  field(): number {
    if (this.#at === this.#end) return 0;
    const tag = this.#varint32("a tag");
    this.#wireType = tag & 7;
    const field = tag >>> 3;
    if (field === 0) throw new WireError("field number 0");
    return field;
  }

  bool(field: string): boolean {
    this.#expect(0, field);
    const byte = this.#shortVarint();
    if (byte >= 0) return byte !== 0;
    const { low, high } = this.#varint(field);
    return low !== 0 || high !== 0;
  }

  enumeration(field: string): number {
    this.#expect(0, field);
    const byte = this.#shortVarint();
    return byte >= 0 ? byte : this.#varint(field).low | 0;
  }

  /** An int64; beyond 2^53 it is rounded. */
  int64(field: string): number {
    this.#expect(0, field);
    const { low, high } = this.#varint(field);
    return (high | 0) * TWO_32 + low;
  }

  /** The field's bytes: a view, or where they are few, a copy, which costs less than a view. */
  bytes(field: string): Uint8Array {
    const end = this.#delimited(field);
    const start = this.#at;
    this.#at = end;
    if (end - start > FEW_BYTES) return this.#bytes.subarray(start, end);
    const copy = ownBytes(end - start);
    for (let at = start; at < end; at++) copy[at - start] = this.#bytes[at] ?? 0;
    return copy;
  }

  string(field: string): string {
    const end = this.#delimited(field);
    const start = this.#at;
    this.#at = end;
    return this.#text(start, end, field);
  }

  /**
   * A string out of few, as the names of types are: mostly one that was read before is given again, which
   * costs no call into the engine, and no memory of its own for as long as it is kept.
   */
  name(field: string): string {
    const end = this.#delimited(field);
    const start = this.#at;
    this.#at = end;
    const length = end - start;
    if (length === 0) return "";
    if (length > LONGEST_NAME) return this.#text(start, end, field);
    const bytes = this.#bytes;
    const middle = bytes[start + (length >>> 1)] ?? 0;
    const slot = (length * 31 + middle * 7 + (bytes[end - 1] ?? 0)) % NAMES;
    const known = names[slot] ?? "";
    if (known.length === length && isAt(bytes, start, known)) return known;
    const text = this.#text(start, end, field);
    names[slot] = text;
    return text;
  }

  #text(start: number, end: number, field: string): string {
    const text = this.#bytes.toString("utf8", start, end);
    if (text.includes(REPLACEMENT)) {
      try {
        strictDecoder.decode(this.#bytes.subarray(start, end));
      } catch {
        throw new WireError(`${field} is not UTF-8`);
      }
    }
    return text;
  }

  /** Reads the message in this field by `read`, which sees its end as the end of the input. */
  message<T>(field: string, read: (reader: WireReader) => T): T {
    const end = this.#delimited(field);
    const outer = this.#end;
    this.#end = end;
    const result = read(this);
    this.#end = outer;
    return result;
  }

  /** Steps over a field that nobody here knows. */
  skip(): void {
    switch (this.#wireType) {
      case 0:
        this.#varint("an unknown field");
        return;
      case 1:
        this.#at = this.#ahead(8, "an unknown field");
        return;
      case 2:
        this.#at = this.#delimited("an unknown field");
        return;
      case 5:
        this.#at = this.#ahead(4, "an unknown field");
        return;
      default:
        throw new WireError(`an unknown field has wire type ${this.#wireType}`);
    }
  }

  #expect(wireType: number, field: string): void {
    if (this.#wireType === wireType) return;
    const found = WIRE_TYPES[this.#wireType] ?? `wire type ${this.#wireType}`;
    throw new WireError(`${field} should be a ${WIRE_TYPES[wireType]}, it is a ${found}`);
  }

  #delimited(field: string): number {
    this.#expect(2, field);
    return this.#ahead(this.#varint32(field), field);
  }

  #ahead(length: number, field: string): number {
    const end = this.#at + length;
    if (end > this.#end) throw new WireError(`${field} ends before its time`);
    return end;
  }

  /** A varint of at most 32 bits: a tag or a length. */
  #varint32(field: string): number {
    const byte = this.#shortVarint();
    if (byte >= 0) return byte;
    const { low, high } = this.#varint(field);
    if (high !== 0) throw new WireError(`${field} is longer than a message can be`);
    return low;
  }

  /** A varint of one byte, as most are; -1 with nothing read when it is not. */
  #shortVarint(): number {
    if (this.#at >= this.#end) return -1;
    const byte = this.#bytes[this.#at] ?? 0x80;
    if (byte >= 0x80) return -1;
    this.#at++;
    return byte;
  }

  #varint(field: string): { low: number; high: number } {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) throw new WireError(`${field} ends before its time`);
      const byte = this.#bytes[this.#at++] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return { low: low >>> 0, high: high >>> 0 };
    }
    throw new WireError(`${field} is a number of more than ten bytes`);
  }
}

/** A text of one byte a character stands here; false for any other text. */
function isAt(bytes: Uint8Array, start: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x80 || code !== bytes[start + at]) return false;
  }
  return true;
}
