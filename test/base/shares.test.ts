import assert from "node:assert/strict";
import { test } from "node:test";
import { hasShare } from "../../src/base/shares.ts";

/** So many greedy ones take whatever they may, in turn, of a room of 10,000. */
function taken(greedy: number): number[] {
  const own = Array.from({ length: greedy }, () => 0);
  const all = () => own.reduce((sum, each) => sum + each, 0);
  for (let moved = true; moved; ) {
    moved = false;
    for (const [i, held] of own.entries()) {
      if (!hasShare(held, all(), 10_000)) continue;
      own[i] = held + 1;
      moved = true;
    }
  }
  return own;
}

test("one who is greedy leaves a tenth of the room, and more of them still some", () => {
  assert.deepEqual(taken(1), [9_000]);
  const two = taken(2);
  assert(
    two.every((own) => own > 4_700 && own < 4_750),
    String(two),
  );
  const ten = taken(10);
  assert(
    ten.every((own) => own > 950),
    String(ten),
  );
  assert(10_000 - ten.reduce((sum, own) => sum + own, 0) > 100);
});

test("a room for one is for whoever comes first", () => {
  assert(hasShare(0, 0, 1));
  assert(!hasShare(0, 1, 1));
  assert(!hasShare(5, 12, 10));
});
