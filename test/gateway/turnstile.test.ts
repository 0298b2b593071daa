import assert from "node:assert/strict";
import { test } from "node:test";
import { Turnstile } from "../../src/gateway/turnstile.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("so many are let in with each turn, in their order, and the first at once", async () => {
  const seen: number[] = [];
  const turnstile = new Turnstile<number>(2, 100, (one) => seen.push(one));
  for (let n = 1; n <= 5; n++) turnstile.pass(n);
  assert.deepEqual(seen, [1, 2]);
  await turn();
  assert.deepEqual(seen, [1, 2, 3, 4]);
  turnstile.pass(6);
  await turn();
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
});

test("who comes while nobody waits does not wait either", async () => {
  const seen: number[] = [];
  const turnstile = new Turnstile<number>(1, 100, (one) => seen.push(one));
  for (let n = 1; n <= 3; n++) {
    turnstile.pass(n);
    assert.equal(seen.length, n);
    await turn();
    await turn();
  }
});

test("beyond the bound whoever comes is let in at once, to be refused", () => {
  const seen: number[] = [];
  const turnstile = new Turnstile<number>(1, 2, (one) => seen.push(one));
  for (let n = 1; n <= 5; n++) turnstile.pass(n);
  assert.deepEqual(seen, [1, 4, 5]);
});

test("turns may be others than those of the event loop", () => {
  const seen: number[] = [];
  const turns: (() => void)[] = [];
  const turnstile = new Turnstile<number>(
    2,
    100,
    (one) => seen.push(one),
    (turn) => turns.push(turn),
  );
  for (let n = 1; n <= 5; n++) turnstile.pass(n);
  for (const expected of [2, 4, 5]) {
    assert.equal(seen.length, expected);
    assert.equal(turns.length, 1);
    turns.shift()?.();
  }
  turns.shift()?.();
  assert.equal(turns.length, 0, "nobody waits: there are no more turns");
});
