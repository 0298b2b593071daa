import { utf8 } from "../../base/bytes.ts";

/** Writes Kafka's primitive types, big-endian, into a buffer that grows. */
export class WireWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written: a view that the next write may invalidate. */
  view(from = 0): Buffer {
    return this.#buffer.subarray(from, this.#length);
  }

  /** Begins anew, in the same memory. */
  clear(): void {
    this.#length = 0;
  }

  int8(value: number): void {
    const at = this.#take(1);
    this.#buffer.writeInt8(value, at);
  }

  int16(value: number): void {
    const at = this.#take(2);
    this.#buffer.writeInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.#take(4);
    this.#buffer.writeInt32BE(value, at);
  }

  int32At(value: number, at: number): void {
    this.#buffer.writeInt32BE(value, at);
  }

  uint32At(value: number, at: number): void {
    this.#buffer.writeUInt32BE(value, at);
  }

  int64(value: number | bigint): void {
    const at = this.#take(8);
    this.#buffer.writeBigInt64BE(BigInt(value), at);
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0);
  }

  /** Zigzag, of 32 bits. */
  varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    for (; rest >= 0x80; rest >>>= 7) this.#byte((rest & 0x7f) | 0x80);
    this.#byte(rest);
  }

  /** Zigzag, of 64 bits. */
  varlong(value: number): void {
    if (value === (value | 0)) return this.varint(value);
    const wide = BigInt(value);
    let rest = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
    for (; rest >= 0x80n; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80);
    this.#byte(Number(rest));
  }

  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.byteLength);
    this.#buffer.set(bytes, at);
  }

  string(text: string): void {
    const bytes = utf8(text);
    this.int16(bytes.byteLength);
    this.raw(bytes);
  }

  nullableString(text: string | undefined): void {
    if (text === undefined) this.int16(-1);
    else this.string(text);
  }

  bytes(bytes: Uint8Array): void {
    this.int32(bytes.byteLength);
    this.raw(bytes);
  }

  /** With a varint as length, as within records; undefined: null. */
  varBytes(bytes: Uint8Array | undefined): void {
    this.varint(bytes?.byteLength ?? -1);
    if (bytes !== undefined) this.raw(bytes);
  }

  /** As flexible versions write it. */
  compactString(text: string): void {
    const bytes = utf8(text);
    this.unsignedVarint(bytes.byteLength + 1);
    this.raw(bytes);
  }

  unsignedVarint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.#byte((rest & 0x7f) | 0x80);
    this.#byte(rest);
  }

  array<T>(items: readonly T[], write: (item: T) => void): void {
    this.int32(items.length);
    for (const item of items) write(item);
  }

  #byte(value: number): void {
    const at = this.#take(1);
    this.#buffer[at] = value;
  }

  /** May replace the buffer: what comes first is where, and only then the buffer. */
  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#buffer.byteLength) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.byteLength, this.#length));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    return at;
  }
}

/** What {@link WireWriter.varint} takes of a number. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : Math.ceil((32 - Math.clz32(zigzag)) / 7);
}

/** What {@link WireWriter.varlong} takes of a number. */
export function varlongSize(value: number): number {
  if (value === (value | 0)) return varintSize(value);
  const wide = BigInt(value);
  let rest = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
  let size = 1;
  for (; rest >= 0x80n; rest >>= 7n) size++;
  return size;
}

/** What {@link WireWriter.varBytes} takes of bytes. */
export function varBytesSize(bytes: Uint8Array | undefined): number {
  const length = bytes?.byteLength ?? 0;
  return varintSize(bytes === undefined ? -1 : length) + length;
}
