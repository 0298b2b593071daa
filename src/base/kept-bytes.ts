/**
 * Copies of bytes that stay, out of something large that must not: the small ones of a run share memory, since what
 * is allocated outside the heap costs more than they do. Kept alone, one keeps a chunk alive.
 */
import { INLINE_BYTES } from "./bytes.ts";

/** What one kept alone keeps alive at most; it is mostly counted as some hundred bytes. */
const CHUNK_BYTES = 2_048;
/** Larger ones have memory of their own. */
const SHARED_BYTES = CHUNK_BYTES / 4;

export class KeptBytes {
  #chunk = new ArrayBuffer(0);
  #at = 0;

  copy(bytes: Uint8Array): Uint8Array {
    const length = bytes.byteLength;
    if (length <= INLINE_BYTES || length > SHARED_BYTES) return new Uint8Array(bytes);
    if (this.#at + length > this.#chunk.byteLength) {
      this.#chunk = new ArrayBuffer(CHUNK_BYTES);
      this.#at = 0;
    }
    const copy = new Uint8Array(this.#chunk, this.#at, length);
    copy.set(bytes);
    this.#at += length;
    return copy;
  }
}
