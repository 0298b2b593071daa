import assert from "node:assert/strict";
import { test } from "node:test";
import { firstNumberOf, isFirstNumber } from "../../src/model/outbox-number.ts";

test("the first number of each incarnation is known as one", () => {
  assert.equal(firstNumberOf(0), 1);
  for (const incarnation of [0, 1, 2, 1_000]) {
    const first = firstNumberOf(incarnation);
    assert.deepEqual([first - 1, first, first + 1].map(isFirstNumber), [false, true, false]);
  }
});
