import assert from "node:assert/strict";
import { test } from "node:test";
import { packed, unpacked } from "../../src/base/packed.ts";

test("bytes come back as they were, and are as long meanwhile, however many they are", () => {
  for (const length of [0, 1, 64, 255, 256, 257, 10_000]) {
    const bytes = Uint8Array.from({ length }, (_, at) => at % 256);
    const kept = packed(bytes);
    assert.equal(kept.length, length);
    assert.deepEqual(new Uint8Array(unpacked(kept)), bytes);
  }
});

test("few bytes do not keep alive what they were a part of", () => {
  const part = new Uint8Array(100_000).subarray(10, 20);
  assert.equal(typeof packed(part), "string");
});
