import assert from "node:assert/strict";
import { test } from "node:test";
import { firstNumberOf, incarnationOf, isFirstNumber } from "../../src/model/outbox-number.ts";

test("the first number of each incarnation is known as one", () => {
  assert.equal(firstNumberOf(0), 1);
  for (const incarnation of [0, 1, 2, 1_000]) {
    const first = firstNumberOf(incarnation);
    assert.deepEqual([first, first + 5, firstNumberOf(incarnation + 1) - 1].map(incarnationOf), [
      ...[incarnation, incarnation, incarnation],
    ]);
    assert.deepEqual([first - 1, first, first + 1].map(isFirstNumber), [false, true, false]);
  }
});
