import { KafkaProtocolError } from "../error.ts";

const UTF8 = new TextDecoder();
const TWO_32 = 0x100000000;

/**
 * Reads Kafka's primitive types, big-endian. What ends too early is a {@link KafkaProtocolError}: the
 * other side does not speak the version it said it does.
 */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, from = 0, until = bytes.byteLength) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = from;
    this.#end = until;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** As a number: offsets and times stay far below 2^53. */
  int64(): number {
    const at = this.#take(8);
    return this.#bytes.readInt32BE(at) * TWO_32 + this.#bytes.readUInt32BE(at + 4);
  }

  /** Producer ids, which may use all 64 bits. */
  bigInt64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  /** Zigzag, of 32 bits. */
  varint(): number {
    const value = this.unsignedVarint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** Of 32 bits. */
  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift > 28) throw new KafkaProtocolError("a number of variable length is too long");
      const byte = this.#bytes.readUInt8(this.#take(1));
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** Zigzag, of 64 bits; as a number. */
  varlong(): number {
    if (this.#isShort()) return this.varint();
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (shift > 63n) throw new KafkaProtocolError("a number of variable length is too long");
      const byte = this.#bytes.readUInt8(this.#take(1));
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number((value >> 1n) ^ -(value & 1n));
    }
  }

  /** A number of variable length ends within the next four bytes. */
  #isShort(): boolean {
    const until = Math.min(this.#end, this.#at + 4);
    for (let at = this.#at; at < until; at++) if ((this.#bytes[at] ?? 0) < 0x80) return true;
    return false;
  }

  /** A view of the next `count` bytes. */
  raw(count: number): Buffer {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  string(): string {
    return this.nullableString() ?? "";
  }

  nullableString(): string | undefined {
    const length = this.int16();
    return length < 0 ? undefined : UTF8.decode(this.raw(length));
  }

  /** A view; undefined for null. */
  nullableBytes(): Buffer | undefined {
    const length = this.int32();
    return length < 0 ? undefined : this.raw(length);
  }

  /** A view; undefined for null. The length is a varint, as within records. */
  varBytes(): Buffer | undefined {
    const length = this.varint();
    return length < 0 ? undefined : this.raw(length);
  }

  /** As flexible versions write it; null reads as the empty one. */
  compactString(): string {
    const length = this.unsignedVarint();
    return length === 0 ? "" : UTF8.decode(this.raw(length - 1));
  }

  /** As flexible versions write it; null reads as the empty one. */
  compactArray<T>(item: () => T): T[] {
    const count = this.unsignedVarint() - 1;
    if (count > this.left)
      throw new KafkaProtocolError(`an array of ${count} in ${this.left} bytes`);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(item());
    return items;
  }

  /** What a newer version may have added behind a flexible structure. */
  skipTags(): void {
    for (let tags = this.unsignedVarint(); tags > 0; tags--) {
      this.unsignedVarint();
      this.raw(this.unsignedVarint());
    }
  }

  /** A null array reads as an empty one. */
  array<T>(item: () => T): T[] {
    const count = this.int32();
    if (count > this.left)
      throw new KafkaProtocolError(`an array of ${count} in ${this.left} bytes`);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(item());
    return items;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count < 0 || at + count > this.#end) {
      throw new KafkaProtocolError(`${count} bytes are wanted and ${this.#end - at} are there`);
    }
    this.#at = at + count;
    return at;
  }
}
