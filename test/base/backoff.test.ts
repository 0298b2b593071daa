import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../../src/base/backoff.ts";

const OPTIONS = { initialMs: 100, maxMs: 1_000 };
const waits = (random: () => number) =>
  [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(attempt, OPTIONS, random));

test("each wait is twice the one before, up to the longest", () => {
  assert.deepEqual(
    waits(() => 1),
    [100, 200, 400, 800, 1_000, 1_000],
  );
});

test("half of each wait is certain, so that nobody comes back at once", () => {
  assert.deepEqual(
    waits(() => 0),
    [50, 100, 200, 400, 500, 500],
  );
});

test("any number of attempts gives a number within the bound", () => {
  for (const attempt of [60, 1_100, Number.MAX_SAFE_INTEGER]) {
    assert.equal(
      backoffMs(attempt, OPTIONS, () => 1),
      1_000,
    );
  }
});
