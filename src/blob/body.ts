import { createHash } from "node:crypto";
import { assert } from "../base/assert.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { BlobBody } from "./contract.ts";

/**
 * The chunks of a body, opened anew. Its length is compared with the size it was given with. An aborted signal
 * ends it with its reason, whatever the source is waiting for.
 */
export async function* chunksOf(body: BlobBody, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  if (body instanceof Uint8Array) {
    yield body;
    return;
  }
  let length = 0;
  for await (const chunk of signal === undefined ? body.open() : abortable(body.open(), signal)) {
    length += chunk.byteLength;
    yield chunk;
  }
  const { size = length } = body;
  assert(length === size, `the source of a blob of ${size} bytes had ${length}`);
}

async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      isOver = next.done === true;
      if (next.done === true) return;
      yield next.value;
      signal.throwIfAborted();
    }
  } catch (error) {
    isOver ||= !signal.aborted;
    throw error;
  } finally {
    // Not waited for: a source that waits for something itself hears of it when that has come.
    if (!isOver) Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

/** The same bytes in pieces of exactly `pieceBytes`, of which the last is shorter, or empty if it is the only one. */
export async function* piecesOf(body: BlobBody, pieceBytes: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let isFirst = true;
  for await (const chunk of chunksOf(body)) {
    let rest = chunk;
    while (heldBytes + rest.byteLength > pieceBytes) {
      held.push(rest.subarray(0, pieceBytes - heldBytes));
      rest = rest.subarray(pieceBytes - heldBytes);
      const piece = joined(held);
      held = [];
      heldBytes = 0;
      isFirst = false;
      yield piece;
    }
    held.push(rest);
    heldBytes += rest.byteLength;
  }
  if (heldBytes > 0 || isFirst) yield joined(held);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
}

/** Cut, never joined. */
export async function* atMost(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += maxBytes) yield chunk.subarray(at, at + maxBytes);
  }
}

/** SHA-256, in hex. */
export async function digestOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}
