import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptBytes } from "../../src/base/kept-bytes.ts";

test("copies share no memory with what they were made of, nor bytes with each other", () => {
  const kept = new KeptBytes();
  const read = Buffer.alloc(5_000);
  const sizes = [0, 1, 64, 65, 200, 512, 513, 5_000];
  const run = Array.from({ length: 40 }, (_, i) => sizes[i % sizes.length] ?? 0);
  const copies = run.map((size, i) => kept.copy(read.subarray(0, size).fill(i + 1)));
  read.fill(0);
  copies.forEach((copy, i) => {
    assert.deepEqual(copy, new Uint8Array(run[i] ?? 0).fill(i + 1));
  });
});

test("a small copy that is kept alone keeps no more than a chunk alive, a large one itself", () => {
  const kept = new KeptBytes();
  const small = Array.from({ length: 100 }, () => kept.copy(new Uint8Array(200)));
  const chunks = new Set(small.map(({ buffer }) => buffer));
  assert.equal(chunks.size, 10);
  for (const { byteLength } of chunks) assert.equal(byteLength, 2_048);
  assert.equal(kept.copy(new Uint8Array(1_000)).buffer.byteLength, 1_000);
});
