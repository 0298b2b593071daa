import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "../../src/gateway/duration.ts";

test("a duration is a whole number with a unit, in milliseconds without one", () => {
  const samples: [string, number][] = [
    ["0", 0],
    ["250", 250],
    ["250ms", 250],
    ["5s", 5_000],
    ["5 sec", 5_000],
    ["2min", 120_000],
    ["2m", 120_000],
    ["3 Hours", 10_800_000],
    ["1d", 86_400_000],
  ];
  for (const [text, ms] of samples) assert.equal(parseDuration("delay", text, 1e12), ms, text);
});

test("what is no duration, or too long, is refused with an example", () => {
  for (const text of ["", "s", "-5s", "1.5s", "5 parsecs", "5s5", "5  s", "PT5S"]) {
    assert.throws(
      () => parseDuration("delay", text, 1e12),
      /is no duration; write 500ms, 5s/,
      text,
    );
  }
  assert.throws(() => parseDuration("timeout", "2h", 3_600_000), /too long; at most 3600s/);
});
