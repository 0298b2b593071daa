import assert from "node:assert/strict";
import { test } from "node:test";
import { seal, unseal } from "../../src/store/seal.ts";

const KEY = Buffer.from("key");
const VALUE = Buffer.from("value");

test("what was sealed under a key is unsealed under it", () => {
  assert.deepEqual(unseal(KEY, seal(KEY, VALUE)), VALUE);
  assert.equal(unseal(KEY, seal(KEY, new Uint8Array(0)))?.byteLength, 0);
});

test("any flipped bit, another key, or a cut is noticed", () => {
  const sealed = seal(KEY, VALUE);
  for (let bit = 0; bit < sealed.byteLength * 8; bit++) {
    const flipped = Buffer.from(sealed);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(unseal(KEY, flipped), undefined, `bit ${bit}`);
  }
  assert.equal(unseal(Buffer.from("kez"), sealed), undefined);
  for (let length = 0; length < sealed.byteLength; length++) {
    assert.equal(unseal(KEY, sealed.subarray(0, length)), undefined);
  }
});

test("the bytes are as they were when format 1 was made", () => {
  assert.equal(Buffer.from(seal(KEY, VALUE)).toString("hex"), "76616c7565e6f355c6");
});
