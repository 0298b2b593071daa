/**
 * Snappy's block format, to be read: https://github.com/google/snappy/blob/main/format_description.txt
 *
 *   block   = varint(length) element*
 *   literal = tag(00) bytes           tag's upper six bits: length - 1, or 60..63: in 1..4 bytes behind
 *   copy    = tag(01|10|11) offset    1, 2 or 4 bytes of offset, back from the end of the output
 *
 * @throws RangeError when the block is not whole, or would give more than `maxBytes`
 */
export function unsnappy(block: Uint8Array, maxBytes = Number.POSITIVE_INFINITY): Uint8Array {
  const input = new Input(block);
  const length = input.varint();
  if (length > maxBytes) throw new RangeError(`a snappy block of ${length} bytes is too large`);
  const output = new Output(length, block.byteLength);
  while (!input.atEnd) {
    const tag = input.number(1);
    const upper = tag >> 2;
    switch (tag & 3) {
      case 0: {
        const count = 1 + (upper < 60 ? upper : input.number(upper - 59));
        output.literal(block, input.skip(count), count);
        break;
      }
      case 1:
        output.copy(4 + (upper & 7), (tag >> 5) * 256 + input.number(1));
        break;
      default:
        output.copy(1 + upper, input.number((tag & 3) === 2 ? 2 : 4));
    }
  }
  return output.whole();
}

class Input {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.byteLength;
  }

  /** Where the bytes began that are behind it now. */
  skip(count: number): number {
    const from = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.byteLength) throw new RangeError("a snappy block ends too early");
    return from;
  }

  /** Little-endian. */
  number(bytes: number): number {
    const from = this.skip(bytes);
    let value = 0;
    for (let at = from + bytes - 1; at >= from; at--) value = value * 256 + (this.#bytes[at] ?? 0);
    return value;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.number(1);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
}

/** Below it, a loop is quicker than a view and a copy of it. */
const FEW_BYTES = 64;

class Output {
  readonly #bytes: Uint8Array;
  #end = 0;

  constructor(length: number, inputLength: number) {
    // An element of three bytes gives 64 at most: more is damage, and no reason to take the memory.
    if (length > 64 * inputLength) throw new RangeError("a snappy block claims too much");
    this.#bytes = new Uint8Array(length);
  }

  literal(block: Uint8Array, from: number, count: number): void {
    this.#reserve(count);
    if (count >= FEW_BYTES) this.#bytes.set(block.subarray(from, from + count), this.#end);
    else for (let i = 0; i < count; i++) this.#bytes[this.#end + i] = block[from + i] ?? 0;
    this.#end += count;
  }

  /** Byte by byte: a copy may overlap what it writes. */
  copy(count: number, back: number): void {
    if (back === 0 || back > this.#end) throw new RangeError("a snappy copy is out of its block");
    this.#reserve(count);
    const bytes = this.#bytes;
    for (let at = this.#end; at < this.#end + count; at++) bytes[at] = bytes[at - back] ?? 0;
    this.#end += count;
  }

  whole(): Uint8Array {
    if (this.#end !== this.#bytes.byteLength) throw new RangeError("a snappy block is too short");
    return this.#bytes;
  }

  #reserve(count: number): void {
    if (this.#end + count > this.#bytes.byteLength) {
      throw new RangeError("a snappy block is longer than it says");
    }
  }
}
