import assert from "node:assert/strict";
import { test } from "node:test";
import { Histogram } from "../../bench/support/histogram.ts";

test("percentiles are right within two percent", () => {
  const histogram = new Histogram();
  for (let n = 1; n <= 10_000; n++) histogram.record(n / 100);
  for (const share of [0.01, 0.5, 0.99, 0.999]) {
    const expected = share * 100;
    assert(Math.abs(histogram.percentileMs(share) / expected - 1) < 0.02, `${share}`);
  }
  assert.equal(histogram.count, 10_000);
  assert.equal(histogram.maxMs, 100);
  assert(histogram.percentileMs(1) <= 100);
});
