/** The bytes of a segment to its changes: what is not exactly what was written is an error that names it. */
import { createHash } from "node:crypto";
import { describeError } from "../base/errors.ts";
import { ByteCursor } from "../store/byte-cursor.ts";
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from "../store/limits.ts";
import type { Packing } from "./packing.ts";
import {
  BLOCK_BYTES,
  BLOCK_HEAD_BYTES,
  blockChecksum,
  type Change,
  CODEC,
  checkMagic,
  damaged,
  END_BYTES,
  MAGIC_BYTES,
  type SegmentSums,
} from "./segment-format.ts";

/** Unpacked while those before are worked on; one block at least. */
const AHEAD_BYTES = 1024 * 1024;

/** No block is larger, whatever its head says: a full one, and one change more. */
const MAX_BLOCK_BYTES = BLOCK_BYTES + MAX_KEY_BYTES + MAX_VALUE_BYTES + 32;

/**
 * The changes of a segment, a block at a time. Every checksum is compared as it is met; the last of them,
 * and `expected`, when the end is reached: until then nothing that was read may be relied upon.
 *
 * @param name told when something is wrong
 * @throws StatefoldError SNAPSHOT_CORRUPT, SNAPSHOT_FORMAT; of the chunks what they throw
 */
export async function* readSegment(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  packing: Packing,
  expected?: SegmentSums,
): AsyncGenerator<readonly Change[]> {
  const input = new Input(name, chunks);
  try {
    yield* readAll(name, input, packing, expected);
  } finally {
    await input.close();
  }
}

async function* readAll(
  name: string,
  input: Input,
  packing: Packing,
  expected: SegmentSums | undefined,
): AsyncGenerator<readonly Change[]> {
  checkMagic(name, await input.take(MAGIC_BYTES), expected !== undefined);
  const order = new Order(name);
  const ahead: Block[] = [];
  let aheadBytes = 0;
  let isMore = true;
  for (;;) {
    while (isMore && (ahead.length === 0 || aheadBytes < AHEAD_BYTES)) {
      isMore = (await input.peek(4)).readUInt32BE(0) !== 0;
      if (!isMore) break;
      const block = await readBlock(name, input, packing);
      ahead.push(block);
      aheadBytes += block.rawBytes;
    }
    const block = ahead.shift();
    if (block === undefined) break;
    aheadBytes -= block.rawBytes;
    yield order.checked(await block.changes);
  }
  const end = await input.take(4 + END_BYTES - 32);
  const sha256 = input.digest();
  const said = (await input.take(32)).toString("hex");
  if (said !== sha256) throw damaged(name, "its checksum is another");
  if (!(await input.isAtEnd())) throw damaged(name, "bytes follow behind its end");
  const changes = Number(end.readBigUInt64BE(4));
  if (changes !== order.changes) {
    throw damaged(name, `it has ${order.changes} changes, and says ${changes}`);
  }
  if (expected !== undefined) {
    compare(name, { bytes: input.bytes, rawBytes: order.rawBytes, changes, sha256 }, expected);
  }
}

function compare(name: string, found: SegmentSums, expected: SegmentSums): void {
  for (const field of ["sha256", "bytes", "changes", "rawBytes"] as const) {
    if (found[field] === expected[field]) continue;
    const why = `its ${field} is ${found[field]}, and the manifest says ${expected[field]}`;
    throw damaged(name, `it is another than the manifest names: ${why}`);
  }
}

/** Its changes come when it is unpacked. */
interface Block {
  readonly rawBytes: number;
  readonly changes: Promise<Change[]>;
}

async function readBlock(name: string, input: Input, packing: Packing): Promise<Block> {
  const where = `block at byte ${input.bytes}`;
  const head = await input.take(BLOCK_HEAD_BYTES);
  const [packedBytes, rawBytes] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  if (packedBytes > MAX_BLOCK_BYTES || rawBytes > MAX_BLOCK_BYTES) {
    throw damaged(name, `the ${where} says that it is larger than any can be`);
  }
  const packed = await input.take(packedBytes);
  if (head.readUInt32BE(9) !== blockChecksum(head, packed)) {
    throw damaged(name, `the checksum of the ${where} is another`);
  }
  const unpack = async (): Promise<Change[]> => {
    try {
      const raw = await unpacked(packed, head.readUInt8(8), rawBytes, packing);
      if (raw.byteLength !== rawBytes) throw new RangeError(`it has ${raw.byteLength} bytes`);
      return changesOf(raw);
    } catch (error) {
      throw damaged(name, `the ${where} cannot be unpacked: ${describeError(error)}`);
    }
  };
  const changes = unpack();
  changes.catch(() => {}); // whoever takes it hears of it
  return { rawBytes, changes };
}

async function unpacked(packed: Buffer, codec: number, rawBytes: number, packing: Packing) {
  if (codec === CODEC.plain) return packed;
  if (codec === CODEC.deflate) return await packing.inflate(packed, rawBytes);
  throw new RangeError(`its codec ${codec} is unknown`);
}

function changesOf(raw: Uint8Array): Change[] {
  const changes: Change[] = [];
  const cursor = new ByteCursor(raw);
  while (!cursor.atEnd) {
    const keyBytes = cursor.varint();
    const valueBytes = cursor.varint();
    const key = cursor.take(keyBytes);
    changes.push({ key, value: valueBytes === 0 ? undefined : cursor.take(valueBytes - 1) });
  }
  return changes;
}

/** Counts, and holds keys to their order. */
class Order {
  changes = 0;
  rawBytes = 0;
  readonly #name: string;
  #last: Uint8Array | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  checked(changes: readonly Change[]): readonly Change[] {
    for (const { key, value } of changes) {
      if (this.#last !== undefined && Buffer.compare(this.#last, key) >= 0) {
        throw damaged(this.#name, "its keys are not in order");
      }
      this.#last = key;
      this.changes++;
      this.rawBytes += key.byteLength + (value?.byteLength ?? 0);
    }
    return changes;
  }
}

/** Chunks of any size, taken in pieces of a wanted one. */
class Input {
  readonly #name: string;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash = createHash("sha256");
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Taken so far. */
  bytes = 0;

  constructor(name: string, chunks: AsyncIterable<Uint8Array>) {
    this.#name = name;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async peek(bytes: number): Promise<Buffer> {
    while (this.#heldBytes < bytes) {
      const next = await this.#chunks.next();
      if (next.done === true) throw damaged(this.#name, `it ends after ${this.#at} bytes`);
      this.#held.push(next.value);
      this.#heldBytes += next.value.byteLength;
    }
    const [first] = this.#held;
    const isEnough = first !== undefined && first.byteLength >= bytes;
    const all = isEnough ? first : Buffer.concat(this.#held);
    if (!isEnough) this.#held = [all];
    return Buffer.from(all.buffer, all.byteOffset, bytes);
  }

  async take(bytes: number): Promise<Buffer> {
    const taken = await this.peek(bytes);
    const [first, ...rest] = this.#held;
    const left = first?.subarray(bytes) ?? new Uint8Array(0);
    this.#held = left.byteLength > 0 ? [left, ...rest] : rest;
    this.#heldBytes -= bytes;
    this.bytes += bytes;
    this.#hash.update(taken);
    return taken;
  }

  /** Of what was taken so far. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }

  async isAtEnd(): Promise<boolean> {
    if (this.#heldBytes > 0) return false;
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return true;
      if (next.value.byteLength > 0) return false;
    }
  }

  /** Lets go of what is read. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  get #at(): number {
    return this.bytes + this.#heldBytes;
  }
}
