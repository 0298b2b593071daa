import assert from "node:assert/strict";
import { test } from "node:test";
import { murmur2, partitionOf, partitionOfBytes } from "../../src/model/partitioner.ts";

/** From Kafka's own test of Utils.murmur2, and its partitioner: (murmur2 & 0x7fffffff) % partitions. */
const KNOWN: readonly (readonly [string, number])[] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

test("murmur2 gives what Kafka's clients give", () => {
  for (const [text, hash] of KNOWN) assert.equal(murmur2(Buffer.from(text)), hash, text);
});

test("a partition is the hash without its sign, modulo the count", () => {
  for (const [text, hash] of KNOWN) {
    for (const count of [1, 2, 7, 12, 1_000]) {
      assert.equal(partitionOf(text, count), (hash & 0x7fffffff) % count);
    }
  }
});

test("an id is hashed as UTF-8, and a key by its bytes", () => {
  assert.equal(partitionOf("größe-€-😀", 97), partitionOfBytes(Buffer.from("größe-€-😀"), 97));
  const key = Buffer.from("xxabcxx").subarray(2, 5);
  assert.equal(partitionOfBytes(key, 97), partitionOf("abc", 97));
});

test("every length of tail is hashed, and ids spread over all partitions", () => {
  const hashes = new Set(Array.from({ length: 9 }, (_, i) => murmur2(Buffer.alloc(i, 1))));
  assert.equal(hashes.size, 9);
  const counts = new Array<number>(8).fill(0);
  for (let i = 0; i < 8_000; i++) {
    const partition = partitionOf(`user-${i}`, 8);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  assert(
    counts.every((count) => count > 850 && count < 1_150),
    counts.join(" "),
  );
});
