import { assert } from "../base/assert.ts";

const TWO_32 = 2 ** 32;

/**
 * Writes the primitives of the log's files, big-endian:
 *
 *   u8, u32, u64   = 1, 4, 8 bytes; a u64 holds a safe integer that is not negative
 *   varint         = a safe integer that is not negative, 7 bits a byte, the lowest first
 *   zigzag         = varint of 2n, or of -2n - 1 when n is negative
 *   bytes          = varint(length) byte*
 *   text           = bytes of UTF-8
 */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far: a view that the next write may invalidate. */
  view(from = 0): Buffer {
    return this.#buffer.subarray(from, this.#length);
  }

  u8(value: number): void {
    this.#room(1);
    this.#length = this.#buffer.writeUInt8(value, this.#length);
  }

  u32(value: number): void {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32BE(value, this.#length);
  }

  u32At(value: number, position: number): void {
    this.#buffer.writeUInt32BE(value, position);
  }

  u64(value: number): void {
    assertNumber(value);
    this.u32(Math.floor(value / TWO_32));
    this.u32(value % TWO_32);
  }

  varint(value: number): void {
    assertNumber(value);
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.byteLength);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.byteLength;
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.byteLength);
    this.raw(bytes);
  }

  text(text: string): void {
    this.bytes(Buffer.from(text, "utf8"));
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.byteLength) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.byteLength));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Reads what {@link ByteWriter} wrote. Throws a RangeError where the bytes end too early. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.#buffer.byteLength;
  }

  u8(): number {
    const value = this.#buffer.readUInt8(this.#at);
    this.#at += 1;
    return value;
  }

  u32(): number {
    const value = this.#buffer.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  u64(): number {
    return this.u32() * TWO_32 + this.u32();
  }

  varint(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      unit *= 0x80;
      if (unit > Number.MAX_SAFE_INTEGER) throw new RangeError("a varint is too long");
    }
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  /** A view on the bytes that are read. */
  raw(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#buffer.byteLength) throw new RangeError("the bytes end too early");
    const bytes = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  bytes(): Buffer {
    return this.raw(this.varint());
  }

  text(): string {
    return this.bytes().toString("utf8");
  }
}

function assertNumber(value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, `${value} is a safe integer and not negative`);
}
