import assert from "node:assert/strict";
import { test } from "node:test";
import { readSummedLine, summedLine } from "../../src/base/summed-line.ts";

test("a line is read as it was written, whatever follows it", () => {
  const text = summedLine("größer");
  assert.match(text, /^größer\n[0-9a-f]{8}\n$/);
  assert.equal(readSummedLine(text), "größer");
  assert.equal(readSummedLine(`${text}rest of a longer one\n00000000\n`), "größer");
});

test("a line that is torn, changed or without its checksum is none", () => {
  const text = summedLine("line");
  for (let length = 0; length < text.length - 1; length++) {
    assert.equal(readSummedLine(text.slice(0, length)), undefined);
  }
  assert.equal(readSummedLine(text.replace("line", "lime")), undefined);
});
