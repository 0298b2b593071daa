import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesEqual, EMPTY_BYTES, fromUtf8, utf8 } from "../../src/base/bytes.ts";

test("text goes to UTF-8 and back", () => {
  for (const text of ["", "a", "ä€😀", "\u0000", "\ufefftext"]) {
    assert.equal(fromUtf8(utf8(text)), text);
  }
});

test("what is no text becomes U+FFFD, in both directions", () => {
  assert.deepEqual([...utf8("\ud800")], [0xef, 0xbf, 0xbd]);
  assert.equal(fromUtf8(Uint8Array.of(0x61, 0xff)), "a\ufffd");
});

test("bytes are equal by content, not by what holds them", () => {
  const buffer = Buffer.from("xabcx");
  assert(bytesEqual(buffer.subarray(1, 4), utf8("abc")));
  assert(!bytesEqual(utf8("abc"), utf8("abd")));
  assert(!bytesEqual(utf8("abc"), EMPTY_BYTES));
});
