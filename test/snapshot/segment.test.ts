import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import { stepwisePacking, threadedPacking } from "../../src/snapshot/packing.ts";
import {
  BLOCK_BYTES,
  type Change,
  SEGMENT_VERSION,
  type SegmentSums,
} from "../../src/snapshot/segment-format.ts";
import { readSegment } from "../../src/snapshot/segment-reader.ts";
import { writeSegment } from "../../src/snapshot/segment-writer.ts";
import { createRng, type Rng } from "../support/rng.ts";

async function written(changes: readonly Change[], packing = stepwisePacking) {
  const chunks: Uint8Array[] = [];
  let sums: SegmentSums | undefined;
  const writing = writeSegment([changes], packing, (all) => {
    sums = all;
  });
  for await (const chunk of writing) chunks.push(chunk);
  assert(sums !== undefined);
  return { bytes: Buffer.concat(chunks), sums };
}

async function* inPieces(bytes: Uint8Array, rng: Rng): AsyncGenerator<Uint8Array> {
  const most = Math.max(rng.pick([1, 7, 100, 1_000_000]), Math.ceil(bytes.byteLength / 1_000));
  for (let at = 0; at < bytes.byteLength; ) {
    const size = 1 + rng.int(most);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(bytes: Uint8Array, expected?: SegmentSums, rng = createRng(1)) {
  const changes: Change[] = [];
  for await (const some of readSegment("s", inPieces(bytes, rng), stepwisePacking, expected)) {
    changes.push(...some);
  }
  return changes;
}

const plain = ({ key, value }: Change) => [
  Buffer.from(key).toString("hex"),
  value === undefined ? undefined : Buffer.from(value).toString("hex"),
];

function drawn(rng: Rng, count: number, maxBytes: number): Change[] {
  const keys = new Set(Array.from({ length: count }, () => `key ${rng.int(1_000_000)}`));
  return [...keys].sort().map((key) => {
    const isGone = rng.chance(0.2);
    const value = rng.chance(0.5) ? rng.bytes(rng.int(maxBytes)) : Buffer.alloc(rng.int(maxBytes));
    return { key: Buffer.from(key), value: isGone ? undefined : value };
  });
}

const isDamage = (error: unknown): boolean =>
  error instanceof StatefoldError &&
  (error.code === "SNAPSHOT_CORRUPT" || error.code === "SNAPSHOT_FORMAT") &&
  error.message.includes("segment s");

test("what is written is read, in blocks, whatever the pieces it comes in", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const rng = createRng(seed);
    const changes = drawn(rng, rng.pick([0, 1, 50, 3_000]), rng.pick([0, 10, 1_000]));
    const { bytes, sums } = await written(changes, rng.pick([stepwisePacking, threadedPacking]));
    assert.equal(sums.bytes, bytes.byteLength);
    assert.equal(sums.changes, changes.length);
    assert.deepEqual((await read(bytes, sums, rng)).map(plain), changes.map(plain), `seed ${seed}`);
  }
});

test("a value larger than a block is a block of its own", async () => {
  const value = createRng(3).bytes(3 * BLOCK_BYTES);
  const changes = ["a", "b", "c"].map((key) => ({ key: Buffer.from(key), value }));
  const { bytes, sums } = await written(changes);
  assert.deepEqual((await read(bytes, sums)).map(plain), changes.map(plain));
});

test("what repeats itself takes less, and what does not takes no more than it has", async () => {
  const same = Buffer.alloc(1_000, "statefold");
  const repeated = Array.from({ length: 900 }, (_, i) => ({ key: keyOf(i), value: same }));
  const { sums } = await written(repeated);
  assert(sums.bytes < sums.rawBytes / 20);
  const rng = createRng(5);
  const noise = Array.from({ length: 900 }, (_, i) => ({ key: keyOf(i), value: rng.bytes(1_000) }));
  const { sums: raw } = await written(noise);
  assert(raw.bytes < raw.rawBytes * 1.01);
});

const keyOf = (i: number): Buffer => Buffer.from(String(i).padStart(6, "0"));

test("any bit that is another is noticed", async () => {
  const rng = createRng(7);
  const { bytes } = await written(drawn(rng, 12, 20));
  const packed = await written(Array.from({ length: 20 }, (_, i) => at(i, "the same again")));
  for (const file of [bytes, packed.bytes]) {
    for (let i = 0; i < file.byteLength; i++) {
      const other = Buffer.from(file);
      other[i] = (other[i] ?? 0) ^ (1 << rng.int(8));
      await assert.rejects(read(other), isDamage, `byte ${i} of ${file.byteLength}`);
    }
  }
});

const at = (i: number, text: string): Change => ({ key: keyOf(i), value: Buffer.from(text) });

test("an end that is missing is noticed wherever it was cut, and so is what follows", async () => {
  const { bytes } = await written(drawn(createRng(8), 12, 20));
  for (let end = 0; end < bytes.byteLength; end++) {
    await assert.rejects(read(bytes.subarray(0, end)), isDamage, `${end} of ${bytes.byteLength}`);
  }
  await assert.rejects(read(Buffer.concat([bytes, Buffer.of(0)])), /bytes follow behind its end/);
});

test("another whole segment in its place is noticed", async () => {
  const { sums } = await written([at(1, "one")]);
  const other = await written([at(1, "two")]);
  await assert.rejects(read(other.bytes, sums), /another than the manifest names: its sha256/);
});

test("a segment of a newer version is refused by name", async () => {
  const { bytes } = await written([]);
  bytes.writeUInt16BE(SEGMENT_VERSION + 1, 6);
  await assert.rejects(read(bytes), { code: "SNAPSHOT_FORMAT", message: /newer statefold/ });
});

test("a version that is damaged is no newer one, where a manifest names the segment", async () => {
  const { bytes, sums } = await written([at(1, "one")]);
  bytes.writeUInt8(0x08, 6);
  await assert.rejects(read(bytes, sums), { code: "SNAPSHOT_CORRUPT", message: /format 2049/ });
});

test("keys that are out of order are neither written nor read", async () => {
  const wrong = [at(2, "x"), at(1, "x")];
  await assert.rejects(written(wrong), /in the order of their keys/);
});

test("writer and reader are a few blocks ahead of who takes them", async () => {
  let taken = 0;
  const value = createRng(9).bytes(1_000);
  function* endless(): Generator<Change[]> {
    for (let i = 0; i < 20_000; i++) {
      taken += value.byteLength;
      yield [{ key: keyOf(i), value }];
    }
  }
  let most = 0;
  let chunksRead = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of writeSegment(endless(), stepwisePacking, () => {})) {
      most = Math.max(most, taken - Math.max(0, chunksRead++ - 1) * BLOCK_BYTES);
      yield chunk;
    }
  }
  let blocks = 0;
  for await (const _ of readSegment("s", counted(), stepwisePacking)) {
    blocks++;
    assert(chunksRead - blocks <= 6);
  }
  assert(blocks > 50);
  assert(most < 9 * BLOCK_BYTES, `${most} bytes ahead`);
});

test("who leaves before the end lets go of what is read", async () => {
  const { bytes } = await written(drawn(createRng(4), 3_000, 1_000));
  let isClosed = false;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* inPieces(bytes, createRng(1));
    } finally {
      isClosed = true;
    }
  }
  for await (const _ of readSegment("s", chunks(), stepwisePacking)) break;
  assert(isClosed);
});

test("blocks are gathered in the same few buffers, large values or not", async () => {
  const buffers = new Set<ArrayBufferLike>();
  const packing = {
    ...stepwisePacking,
    deflate: (bytes: Uint8Array) => {
      buffers.add(bytes.buffer);
      return stepwisePacking.deflate(bytes);
    },
  };
  const value = Buffer.alloc(1_000, "statefold");
  const many = Array.from({ length: 10_000 }, (_, i) => ({ key: keyOf(i), value }));
  const { bytes, sums } = await written(many, packing);
  assert.deepEqual((await read(bytes, sums)).length, many.length);
  assert(sums.rawBytes > 30 * BLOCK_BYTES);
  assert(buffers.size <= 4, `${buffers.size} buffers`);
  const large = at(99_999, "x".repeat(3 * BLOCK_BYTES));
  const mixed = await written([...many.slice(0, 500), large, at(100_000, "behind")], packing);
  assert.deepEqual((await read(mixed.bytes, mixed.sums)).at(-1), at(100_000, "behind"));
});
