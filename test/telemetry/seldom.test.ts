import assert from "node:assert/strict";
import { test } from "node:test";
import { Seldom } from "../../src/telemetry/seldom.ts";

test("what happens often is said at once, then every 10 s at most, with how often", () => {
  let nowMs = 1_000_000;
  const seldom = new Seldom({ now: () => nowMs });
  const said: string[] = [];
  const happens = (atMs: number) => {
    nowMs = 1_000_000 + atMs;
    seldom.happened((times) => said.push(`${times} at ${atMs}`));
  };
  for (const atMs of [0, 1, 9_999, 10_000, 10_001, 30_000]) happens(atMs);
  assert.deepEqual(said, ["1 at 0", "3 at 10000", "2 at 30000"]);
  happens(-5_000); // the clock was put back
  assert.deepEqual(said.at(-1), "1 at -5000");
});
