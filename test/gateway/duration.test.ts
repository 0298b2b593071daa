import assert from "node:assert/strict";
import { test } from "node:test";
import { durationParameter } from "../../src/gateway/duration.ts";

test("a duration in a query is written as in module.yaml", () => {
  assert.equal(durationParameter("delay", "5 sec", 1e12), 5_000);
  assert.equal(durationParameter("delay", "250", 1e12), 250);
});

test("what is no duration, or too long, is refused with an example", () => {
  for (const text of ["", "-5s", "1.5s", "5 parsecs", "PT5S"]) {
    const reason = /^delay=.* is no duration such as 500ms, 10s/;
    assert.throws(() => durationParameter("delay", text, 1e12), { message: reason }, text);
  }
  assert.throws(() => durationParameter("timeout", "2h", 3_600_000), /too long; at most 3600s/);
});
