import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bytesEqual,
  EMPTY_BYTES,
  fromUtf8,
  ownBytes,
  utf8,
  utf8Length,
  writeUtf8,
} from "../../src/base/bytes.ts";

test("text goes to UTF-8 and back", () => {
  for (const text of ["", "a", "ä€😀", "\u0000", "\ufefftext"]) {
    assert.equal(fromUtf8(utf8(text)), text);
  }
});

test("what is no text becomes U+FFFD, in both directions", () => {
  assert.deepEqual([...utf8("\ud800")], [0xef, 0xbf, 0xbd]);
  assert.equal(fromUtf8(Uint8Array.of(0x61, 0xff)), "a\ufffd");
});

test("the length of a text is told before it is written, and is what is written", () => {
  for (const text of ["", "a", "ä€😀", "\u0000", "\ud800x", "n".repeat(64), "n".repeat(65)]) {
    const bytes = utf8Length(text);
    assert.equal(bytes, utf8(text).byteLength, text);
    const room = Buffer.alloc(bytes + 4, 0xee);
    assert.equal(writeUtf8(room, 2, text, bytes), bytes + 2);
    assert.deepEqual([...room], [0xee, 0xee, ...utf8(text), 0xee, 0xee]);
  }
});

test("bytes of their own share no buffer with others", () => {
  for (const size of [0, 1, 64, 65, 5_000]) {
    const bytes = ownBytes(size);
    assert.equal(bytes.byteLength, size);
    assert(bytes.buffer.byteLength <= Math.max(size, 64), `${size} in ${bytes.buffer.byteLength}`);
  }
});

test("bytes are equal by content, not by what holds them", () => {
  const buffer = Buffer.from("xabcx");
  assert(bytesEqual(buffer.subarray(1, 4), utf8("abc")));
  assert(!bytesEqual(utf8("abc"), utf8("abd")));
  assert(!bytesEqual(utf8("abc"), EMPTY_BYTES));
});
