import { assert } from "./assert.ts";

/** Larger messages get a buffer of their own. */
const SCRATCH_BYTES = 64 * 1024;

/** Of a whole number up to 2^53. */
const VARINT_MAX_BYTES = 8;

/** Of an int64 below 0. */
const INT64_MAX_BYTES = 10;

/** Up to this length a loop is quicker than a call into the engine. */
const SHORT_STRING = 40;

/**
 * Protocol buffers, written from the end to the beginning: what a message holds is there before its
 * length is written in front of it, so no size is computed beforehand and nothing is moved. A message's
 * fields are therefore written in reverse, and of each field the payload first, its tag last. Fields at
 * their default are the caller's to leave out, as proto3 does.
 *
 * wire      := field*
 * field     := varint(number << 3 | type) payload
 * payload   := varint (type 0) | varint(length) bytes (type 2)
 */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(SCRATCH_BYTES);
  /** Where the last byte was written; what lies behind it is the message so far. */
  #at = SCRATCH_BYTES;

  /** The bytes from the end so far; the difference of two marks is the size of what lies between. */
  mark(): number {
    return this.#buffer.byteLength - this.#at;
  }

  /** The tag of a field, or any whole number up to 2^53. */
  varint(value: number): void {
    if (value < 0x80) {
      if (this.#at === 0) this.#grow(1);
      this.#buffer[--this.#at] = value;
      return;
    }
    if (this.#at < VARINT_MAX_BYTES) this.#grow(VARINT_MAX_BYTES);
    if (value < 0x4000) {
      this.#buffer[--this.#at] = value >>> 7;
      this.#buffer[--this.#at] = (value & 0x7f) | 0x80;
      return;
    }
    let size = 3;
    for (let bound = 0x200000; value >= bound; bound *= 0x80) size++;
    this.#at -= size;
    let low = value % 0x10000000;
    let high = (value - low) / 0x10000000;
    for (let at = this.#at; at < this.#at + size - 1; at++) {
      this.#buffer[at] = (low & 0x7f) | 0x80;
      low = (low >>> 7) | ((high & 0x7f) << 21);
      high = Math.floor(high / 0x80);
    }
    this.#buffer[this.#at + size - 1] = low;
  }

  /** Any whole number within 2^53 of 0; one below 0 takes ten bytes. */
  int64(value: number): void {
    if (value >= 0) return this.varint(value);
    if (this.#at < INT64_MAX_BYTES) this.#grow(INT64_MAX_BYTES);
    this.#at -= INT64_MAX_BYTES;
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let at = 0; at < INT64_MAX_BYTES; at++) {
      const more = at < INT64_MAX_BYTES - 1 ? 0x80 : 0;
      this.#buffer[this.#at + at] = Number(rest & 0x7fn) | more;
      rest >>= 7n;
    }
  }

  /** Tag and length of a message whose fields have been written since `mark`. */
  message(tag: number, mark: number): void {
    this.varint(this.mark() - mark);
    this.varint(tag);
  }

  /** In UTF-8; a lone surrogate becomes U+FFFD. */
  string(tag: number, text: string): void {
    const { length } = text;
    if (length > SHORT_STRING || !this.#ascii(text)) {
      const size = Buffer.byteLength(text);
      if (this.#at < size) this.#grow(size);
      this.#at -= size;
      this.#buffer.write(text, this.#at, size, "utf8");
      this.varint(size);
    } else {
      this.varint(length);
    }
    this.varint(tag);
  }

  bytes(tag: number, bytes: Uint8Array): void {
    this.raw(bytes);
    this.varint(bytes.byteLength);
    this.varint(tag);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    if (this.#at < bytes.byteLength) this.#grow(bytes.byteLength);
    this.#at -= bytes.byteLength;
    this.#buffer.set(bytes, this.#at);
  }

  /** The message, which is then nobody else's; the writer is empty again. */
  finish(): Buffer {
    const written = this.#buffer.subarray(this.#at);
    if (this.#buffer.byteLength > SCRATCH_BYTES) {
      // It has grown for a large message: given away as it is, rather than copied and kept.
      this.#buffer = Buffer.allocUnsafe(SCRATCH_BYTES);
      this.#at = SCRATCH_BYTES;
      return written;
    }
    this.#at = SCRATCH_BYTES;
    return Buffer.from(written);
  }

  /** Drops what has been written. */
  reset(): void {
    this.#at = this.#buffer.byteLength;
  }

  /** Writes a short text whose characters are one byte each; false, with nothing written, when not. */
  #ascii(text: string): boolean {
    if (this.#at < text.length) this.#grow(text.length);
    const buffer = this.#buffer;
    const start = this.#at - text.length;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code >= 0x80) return false;
      buffer[start + at] = code;
    }
    this.#at = start;
    return true;
  }

  /** Makes room for `bytes` more in front. */
  #grow(bytes: number): void {
    const used = this.mark();
    const size = Math.max(this.#buffer.byteLength * 2, used + bytes);
    const grown = Buffer.allocUnsafe(size);
    this.#buffer.copy(grown, size - used, this.#at);
    this.#buffer = grown;
    this.#at = size - used;
    assert(this.#at >= bytes, "a grown buffer has room");
  }
}
