export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** UTF-8; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** From UTF-8; malformed bytes become U+FFFD, and a leading U+FEFF stays. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Up to here a loop is quicker than a call into the engine. */
const SHORT_TEXT = 64;

/** How many bytes a text has as UTF-8. */
export function utf8Length(text: string): number {
  if (text.length > SHORT_TEXT) return Buffer.byteLength(text);
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) >= 0x80) return Buffer.byteLength(text);
  }
  return text.length;
}

/** Writes a text as UTF-8, of whose bytes {@link utf8Length} has told the number. Returns where it ends. */
export function writeUtf8(to: Uint8Array, start: number, text: string, bytes: number): number {
  if (bytes === text.length && bytes <= SHORT_TEXT) {
    for (let at = 0; at < bytes; at++) to[start + at] = text.charCodeAt(at);
  } else encoder.encodeInto(text, to.subarray(start, start + bytes));
  return start + bytes;
}

/** V8 keeps so many bytes inside the array's own object: nothing else is allocated, and nothing freed apart. */
export const INLINE_BYTES = 64;

/** Room for bytes that stay: not cut out of a pool, all of which they would keep alive. Not cleared. */
export function ownBytes(size: number): Uint8Array {
  return size <= INLINE_BYTES ? new Uint8Array(size) : Buffer.allocUnsafeSlow(size);
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** One character for one byte, so that texts compare as the bytes do. */
export function latin1(bytes: Uint8Array): string {
  // A view costs more than the text.
  const buffer =
    bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1");
}

/** The reverse of {@link latin1}. */
export function fromLatin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
