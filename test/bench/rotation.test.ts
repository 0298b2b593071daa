import assert from "node:assert/strict";
import { test } from "node:test";
import { orderOf } from "../../bench/support/rotation.ts";

const THREE = ["a", "b", "c"];

test("each comes first once in as many rounds as there are, or last where the order is turned round", () => {
  const rounds = [0, 1, 2].map((round) => orderOf(THREE, round));
  assert.deepEqual(rounds, [
    ["a", "b", "c"],
    ["a", "c", "b"],
    ["c", "a", "b"],
  ]);
});

test("nobody always follows the same one", () => {
  const before = [0, 1, 2, 3, 4, 5].map((round) => {
    const order = orderOf(THREE, round);
    return order[order.indexOf("b") - 1];
  });
  assert(new Set(before).size > 1, String(before));
});

test("one alone, and nobody, have an order too", () => {
  assert.deepEqual(orderOf(["a"], 7), ["a"]);
  assert.deepEqual(orderOf([], 7), []);
});
