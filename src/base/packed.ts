import { fromLatin1, latin1 } from "./bytes.ts";

/**
 * Bytes that are kept by the hundred thousand: few of them as a text of one character a byte, which is one object of
 * 16 bytes and theirs; an array of bytes is three objects, and 200 bytes more. Its `length` is that of the bytes.
 */
export type Packed = string | Uint8Array;

/** What is longer stays as it is: then it matters little, and turning it back and forth costs. */
const MOST_BYTES = 256;

/** Room for bytes that will be packed: where they are few, in a pool. Not cleared. */
export function roomToPack(size: number): Uint8Array {
  return size <= MOST_BYTES ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(size);
}

/** Whoever packs many bytes gives them away. */
export function packed(bytes: Uint8Array): Packed {
  return bytes.byteLength <= MOST_BYTES ? latin1(bytes) : bytes;
}

export function unpacked(bytes: Packed): Uint8Array {
  return typeof bytes === "string" ? fromLatin1(bytes) : bytes;
}
