import assert from "node:assert/strict";
import { test } from "node:test";
import { stepwisePacking, threadedPacking } from "../../src/snapshot/packing.ts";
import { createRng } from "../support/rng.ts";

test("many blocks packed at once, on threads, are what they are one at a time", async () => {
  const rng = createRng(1);
  const blocks = Array.from({ length: 60 }, (_, i) => {
    const text = Buffer.from(String(rng.int(1_000_000)).repeat(1 + rng.int(40_000)));
    return i % 3 === 0 ? Buffer.from(rng.bytes(rng.int(20_000))) : text;
  });
  const packed = await Promise.all(blocks.map((block) => threadedPacking.deflate(block)));
  for (const [i, block] of blocks.entries()) {
    assert.deepEqual(Buffer.from(packed[i] ?? []), await stepwisePacking.deflate(block));
    const unpacked = await threadedPacking.inflate(packed[i] ?? Buffer.alloc(0), block.byteLength);
    assert(block.equals(unpacked), `block ${i}`);
  }
});

test("what unpacks to more than it may is refused", async () => {
  const packed = await threadedPacking.deflate(Buffer.alloc(100_000));
  for (const packing of [threadedPacking, stepwisePacking]) {
    await assert.rejects(packing.inflate(packed, 99_999), RangeError);
    assert.equal((await packing.inflate(packed, 100_000)).byteLength, 100_000);
  }
});
