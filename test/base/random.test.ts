import assert from "node:assert/strict";
import { test } from "node:test";
import { unforeseeableRandom } from "../../src/base/random.ts";

test("it draws from 0 up to, not including, 1, over the whole range, and nothing twice", () => {
  const random = unforeseeableRandom();
  const drawn = Array.from({ length: 5_000 }, random);
  assert(drawn.every((each) => each >= 0 && each < 1));
  assert(new Set(drawn).size > 4_990);
  const tenths = new Set(drawn.map((each) => Math.floor(each * 10)));
  assert.equal(tenths.size, 10);
  assert.notDeepEqual(Array.from({ length: 4 }, unforeseeableRandom()), drawn.slice(0, 4));
});
