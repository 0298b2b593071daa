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
  const block = new BlockBuilder();
  const packed = new Queue<Promise<Uint8Array>>();
  const pack = (): void => {
    const packing_ = packBlock(block.take(), packing);
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

async function packBlock(raw: Uint8Array, packing: Packing): Promise<Uint8Array> {
  const deflated = await packing.deflate(raw);
  const pays = deflated.byteLength < raw.byteLength * 0.9;
  const packed = pays ? deflated : raw;
  const codec = pays ? CODEC.deflate : CODEC.plain;
  return Buffer.concat([blockHead(packed, raw.byteLength, codec), packed]);
}

class BlockBuilder {
  changes = 0;
  /** Of all keys and values so far. */
  rawBytes = 0;
  /** Of the block that is filled. */
  bytes = 0;
  #held: Change[] = [];
  #last: Uint8Array | undefined;

  add(change: Change): void {
    const { key, value } = change;
    const isBehind = this.#last === undefined || Buffer.compare(this.#last, key) < 0;
    assert(isBehind, "the changes of a segment are in the order of their keys");
    this.#last = key;
    this.#held.push(change);
    this.changes++;
    const valueBytes = value?.byteLength ?? 0;
    this.rawBytes += key.byteLength + valueBytes;
    this.bytes += key.byteLength + valueBytes + headBytes(change);
  }

  /** The payload; the next one begins. */
  take(): Uint8Array {
    const payload = Buffer.allocUnsafe(this.bytes);
    let at = 0;
    for (const { key, value } of this.#held) {
      at = writeVarint(payload, key.byteLength, at);
      at = writeVarint(payload, value === undefined ? 0 : value.byteLength + 1, at);
      payload.set(key, at);
      at += key.byteLength;
      if (value === undefined) continue;
      payload.set(value, at);
      at += value.byteLength;
    }
    this.#held = [];
    this.bytes = 0;
    return payload;
  }
}

function headBytes({ key, value }: Change): number {
  return varintBytes(key.byteLength) + varintBytes(value === undefined ? 0 : value.byteLength + 1);
}
