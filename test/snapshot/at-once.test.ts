import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { atOnce } from "../../src/snapshot/at-once.ts";

const NEVER = new AbortController().signal;

test("so many are worked on at once, and no more", async () => {
  const gates = Array.from({ length: 5 }, () => deferred<void>());
  const begun: number[] = [];
  const working = atOnce(gates.entries(), 2, NEVER, async ([i, gate]) => {
    begun.push(i);
    await gate.promise;
  });
  assert.deepEqual(begun, [0, 1]);
  for (const gate of gates) gate.resolve();
  await working;
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
});

test("the first failure ends the others by their signal, and nothing runs when it is told", async () => {
  let running = 0;
  const working = atOnce([1, 2, 3, 4], 3, NEVER, async (item, signal) => {
    running++;
    if (item === 2) {
      running--;
      throw new Error("two");
    }
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve());
    });
    running--;
  });
  await assert.rejects(working, /two/);
  assert.equal(running, 0);
});

test("who aborts is told the reason", async () => {
  const stop = new AbortController();
  const working = atOnce([1, 2], 1, stop.signal, async () => stop.abort(new Error("enough")));
  await assert.rejects(working, /enough/);
});
