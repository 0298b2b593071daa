/** Changes to the bytes of a segment, as they are asked for: a few blocks are in memory, whatever its size. */
import { createHash } from "node:crypto";
import { assert } from "../base/assert.ts";
import { Queue } from "../base/queue.ts";
import type { Packing } from "./packing.ts";
import {
  BLOCK_BYTES,
  blockHead,
  type Change,
  CODEC,
  magic,
  type SegmentSums,
  varintBytes,
  writeVarint,
} from "./segment-format.ts";

/** Blocks of one segment that are packed while others are gathered. */
const BLOCKS_AHEAD = 3;
/** Room for a block whose last value is not large. */
const PAYLOAD_BYTES = BLOCK_BYTES + 64 * 1024;

/**
 * @param pages changes in the order of their keys, none twice
 * @param done told once, when all is written
 */
export async function* writeSegment(
  pages: AsyncIterable<readonly Change[]> | Iterable<readonly Change[]>,
  packing: Packing,
  done: (sums: SegmentSums) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let bytes = 0;
  const hashed = (chunk: Uint8Array): Uint8Array => {
    hash.update(chunk);
    bytes += chunk.byteLength;
    return chunk;
  };
  yield hashed(magic());
  const payloads = new Payloads();
  const block = new BlockBuilder(payloads);
  const packed = new Queue<Promise<Uint8Array>>();
  const pack = (): void => {
    const packing_ = packBlock(block.take(), packing, payloads);
    packing_.catch(() => {}); // whoever takes it is told
    packed.push(packing_);
  };
  for await (const page of pages) {
    for (const change of page) {
      block.add(change);
      if (block.bytes < BLOCK_BYTES) continue;
      pack();
      if (packed.size >= BLOCKS_AHEAD) yield hashed(await taken(packed));
    }
  }
  if (block.bytes > 0) pack();
  while (packed.size > 0) yield hashed(await taken(packed));
  const end = Buffer.alloc(4 + 8);
  end.writeBigUInt64BE(BigInt(block.changes), 4);
  hashed(end);
  const sha = hash.digest();
  yield Buffer.concat([end, sha]);
  bytes += sha.byteLength;
  const { rawBytes, changes: count } = block;
  done({ bytes, rawBytes, changes: count, sha256: sha.toString("hex") });
}

function taken(packed: Queue<Promise<Uint8Array>>): Promise<Uint8Array> {
  const first = packed.shift();
  assert(first !== undefined, "a block was packed");
  return first;
}

async function packBlock(raw: Buffer, packing: Packing, payloads: Payloads): Promise<Uint8Array> {
  const deflated = await packing.deflate(raw);
  const pays = deflated.byteLength < raw.byteLength * 0.9;
  const packed = pays ? deflated : raw;
  const codec = pays ? CODEC.deflate : CODEC.plain;
  const block = Buffer.concat([blockHead(packed, raw.byteLength, codec), packed]);
  payloads.free(raw);
  return block;
}

/**
 * Buffers that blocks are gathered in, each used again when its block is packed. New ones for all would be as
 * many bytes as the state has, outside the heap, where what nobody needs any more is collected late.
 */
class Payloads {
  readonly #free: Buffer[] = [];

  /** Of at least so many bytes. */
  take(bytes: number): Buffer {
    const free = bytes <= PAYLOAD_BYTES ? this.#free.pop() : undefined;
    return free ?? Buffer.allocUnsafeSlow(Math.max(bytes, PAYLOAD_BYTES));
  }

  /** @param payload any part of one, from its beginning on */
  free(payload: Buffer): void {
    const { buffer } = payload;
    if (buffer.byteLength === PAYLOAD_BYTES) this.#free.push(Buffer.from(buffer));
  }
}

/** What is gathered is copied at once: pages need not live as long as their block. */
class BlockBuilder {
  changes = 0;
  /** Of all keys and values so far. */
  rawBytes = 0;
  /** Of the block that is filled. */
  bytes = 0;
  readonly #payloads: Payloads;
  #payload: Buffer | undefined;
  #last: Uint8Array | undefined;

  constructor(payloads: Payloads) {
    this.#payloads = payloads;
  }

  add(change: Change): void {
    const { key, value } = change;
    const isBehind = this.#last === undefined || Buffer.compare(this.#last, key) < 0;
    assert(isBehind, "the changes of a segment are in the order of their keys");
    this.#last = key;
    this.changes++;
    const valueBytes = value?.byteLength ?? 0;
    this.rawBytes += key.byteLength + valueBytes;
    const payload = this.#withRoom(headBytes(change) + key.byteLength + valueBytes);
    let at = writeVarint(payload, key.byteLength, this.bytes);
    at = writeVarint(payload, value === undefined ? 0 : valueBytes + 1, at);
    payload.set(key, at);
    if (value !== undefined) payload.set(value, at + key.byteLength);
    this.bytes = at + key.byteLength + valueBytes;
  }

  /** The payload; the next one begins. */
  take(): Buffer {
    assert(this.#payload !== undefined, "a block has changes");
    const payload = this.#payload.subarray(0, this.bytes);
    this.#payload = undefined;
    this.bytes = 0;
    return payload;
  }

  #withRoom(bytes: number): Buffer {
    const filled = this.#payload;
    const wanted = this.bytes + bytes;
    if (filled !== undefined && wanted <= filled.byteLength) return filled;
    const payload = this.#payloads.take(wanted);
    if (filled !== undefined) {
      filled.copy(payload, 0, 0, this.bytes);
      this.#payloads.free(filled);
    }
    this.#payload = payload;
    return payload;
  }
}

function headBytes({ key, value }: Change): number {
  return varintBytes(key.byteLength) + varintBytes(value === undefined ? 0 : value.byteLength + 1);
}
