import assert from "node:assert/strict";
import { test } from "node:test";
import { slotsUntilBack } from "../../bench/support/comeback.ts";

const HOW = { before: 4, span: 2, share: 0.9 };

test("a rate is back where so many slots in a row have nearly as much as before", () => {
  const slots = [10, 10, 10, 10, 0, 0, 5, 10, 4, 9, 9, 10];
  assert.equal(slotsUntilBack(slots, 4, HOW), 5);
});

test("one that never comes back, or never was there, is told apart", () => {
  assert.equal(slotsUntilBack([10, 10, 10, 10, 0, 5, 5, 5], 4, HOW), undefined);
  assert.equal(slotsUntilBack([10, 10, 10, 10, 10, 10], 4, HOW), 0);
});
