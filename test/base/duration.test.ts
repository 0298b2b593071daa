import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "../../src/base/duration.ts";

const DAY = 86_400_000;

test("every unit of Flink's is read, in any case, with or without a space", () => {
  const units: [number, string][] = [
    [DAY, "d day days"],
    [3_600_000, "h hour hours"],
    [60_000, "min m minute minutes"],
    [1000, "s sec secs second seconds"],
    [1, "ms milli millis millisecond milliseconds"],
  ];
  for (const [milliseconds, names] of units) {
    for (const name of names.split(" ")) {
      assert.equal(parseDuration(`7${name}`), 7 * milliseconds, name);
      assert.equal(parseDuration(`7 ${name.toUpperCase()}`), 7 * milliseconds, name);
    }
  }
});

test("units below a millisecond are rounded up, so that nothing positive becomes zero", () => {
  for (const name of ["µs", "μs", "ΜS", "micro", "micros", "microsecond", "microseconds"]) {
    assert.equal(parseDuration(`3000${name}`), 3, name);
    assert.equal(parseDuration(`1 ${name}`), 1, name);
  }
  for (const name of ["ns", "nano", "nanos", "nanosecond", "nanoseconds"]) {
    assert.equal(parseDuration(`2000000${name}`), 2, name);
    assert.equal(parseDuration(`2000001 ${name}`), 3, name);
  }
  assert.equal(parseDuration("0ns"), 0);
});

test("without a unit a number is milliseconds", () => {
  assert.equal(parseDuration("250"), 250);
  assert.equal(parseDuration(" 0 "), 0);
});

test("signs, fractions, compounds and unknown units are no durations", () => {
  for (const text of ["", "s", "-1s", "+1s", "1.5s", "1h30m", "1 week", "1 s s", "1e3", "s1"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});
