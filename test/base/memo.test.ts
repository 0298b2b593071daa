import assert from "node:assert/strict";
import { test } from "node:test";
import { memo } from "../../src/base/memo.ts";

test("what was made of a text is made once, as long as few others are asked for", () => {
  const made: string[] = [];
  const of = memo((text) => {
    made.push(text);
    return text.toUpperCase();
  }, 2);
  assert.deepEqual(["a", "b", "a", "b"].map(of), ["A", "B", "A", "B"]);
  assert.deepEqual(made, ["a", "b"]);
  assert.deepEqual(["c", "a", "c"].map(of), ["C", "A", "C"]);
  assert.deepEqual(made, ["a", "b", "c", "a"]);
});

test("a long text is made anew each time, and so is one that fails", () => {
  let times = 0;
  const of = memo((text) => {
    times++;
    if (text === "bad") throw new RangeError(text);
    return text.length;
  });
  const long = "n".repeat(257);
  assert.deepEqual([of(long), of(long), times], [257, 257, 2]);
  for (let i = 0; i < 2; i++) assert.throws(() => of("bad"), RangeError);
  assert.equal(times, 4);
});
