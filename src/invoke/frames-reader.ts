import { WireError } from "../base/wire-reader.ts";

/**
 * Takes a body of frames apart as it comes: `0a varint(length) bytes`, again and again
 * (proto/statefun/frames.proto). Other fields are passed over, since later versions may have some.
 *
 * It holds what is not yet a whole frame, and no more than one of `maxBytes`.
 */
export class FramesReader {
  readonly #maxBytes: number;
  readonly #pieces: Buffer[] = [];
  #heldBytes = 0;
  /** Nothing can be told before so many bytes are there. */
  #wantedBytes = 1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Hands out the frames that this piece completes, in order.
   * @throws WireError when what follows them is no body of frames, or a frame is larger than it may be
   */
  push(piece: Buffer, take: (frame: Buffer) => void): void {
    this.#pieces.push(piece);
    this.#heldBytes += piece.byteLength;
    if (this.#heldBytes < this.#wantedBytes) return;
    const bytes = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces, this.#heldBytes);
    this.#pieces.length = 0;
    const rest = this.#split(bytes, take);
    this.#heldBytes = rest.byteLength;
    if (rest.byteLength > 0) this.#pieces.push(rest);
  }

  /** @returns what is left: the beginning of a frame, or nothing */
  #split(bytes: Buffer, take: (frame: Buffer) => void): Buffer {
    let at = 0;
    while (at < bytes.byteLength) {
      const field = fieldAt(bytes, at);
      if (field === undefined) return this.#rest(bytes, at, 1);
      const { tag, start, length } = field;
      if (length > this.#maxBytes) {
        throw new WireError(`a frame of ${length} bytes, more than ${this.#maxBytes}`);
      }
      if (start + length > bytes.byteLength) return this.#rest(bytes, at, start + length - at);
      if (tag === FRAME_TAG) take(own(bytes.subarray(start, start + length), bytes));
      at = start + length;
    }
    return this.#rest(bytes, at, 1);
  }

  #rest(bytes: Buffer, at: number, wantedBytes: number): Buffer {
    this.#wantedBytes = wantedBytes;
    return bytes.subarray(at);
  }
}

/** A copy where a view would keep much more alive than itself: values out of it may stay for long. */
function own(view: Buffer, whole: Buffer): Buffer {
  return view.byteLength * 2 < whole.byteLength ? Buffer.from(view) : view;
}

const FRAME_TAG = 0x0a;
/** Of 64 bits. */
const VARINT_MAX_BYTES = 10;

interface Field {
  readonly tag: number;
  /** Where its content is. */
  readonly start: number;
  readonly length: number;
}

/** The field that begins there; undefined: not all of what tells its length has come. */
function fieldAt(bytes: Buffer, from: number): Field | undefined {
  const tag = varint(bytes, from);
  if (tag === undefined) return undefined;
  if (tag.value < 8) throw new WireError("field number 0");
  switch (tag.value % 8) {
    case 0: {
      const value = varint(bytes, tag.end);
      return value && { tag: tag.value, start: value.end, length: 0 };
    }
    case 1:
      return { tag: tag.value, start: tag.end, length: 8 };
    case 2: {
      const size = varint(bytes, tag.end);
      return size && { tag: tag.value, start: size.end, length: size.value };
    }
    case 5:
      return { tag: tag.value, start: tag.end, length: 4 };
    default:
      throw new WireError(`a frame has wire type ${tag.value % 8}`);
  }
}

/** Undefined: its end is not there yet. A value beyond 2^53 is too large for anything here, and stays so. */
function varint(bytes: Buffer, from: number): { value: number; end: number } | undefined {
  let value = 0;
  let factor = 1;
  for (let at = from; at < bytes.byteLength; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * factor;
    factor *= 0x80;
    if (byte < 0x80) return { value, end: at + 1 };
    if (at - from === VARINT_MAX_BYTES - 1) throw new WireError("a number of more than ten bytes");
  }
  return undefined;
}
