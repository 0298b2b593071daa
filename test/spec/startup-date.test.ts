import assert from "node:assert/strict";
import { test } from "node:test";
import { DATE_EXAMPLE, parseStartupDate } from "../../src/spec/startup-date.ts";

test("the form that StateFun parses is read, with its offset from UTC", () => {
  assert.equal(parseStartupDate(DATE_EXAMPLE), Date.UTC(2020, 1, 1, 4, 15));
  assert.equal(
    parseStartupDate("2020-02-29 23:59:59.999 +0130"),
    Date.UTC(2020, 1, 29, 22, 29, 59, 999),
  );
  assert.equal(parseStartupDate("2020-02-01 04:15:00.000 -0500"), Date.UTC(2020, 1, 1, 9, 15));
  assert.equal(
    parseStartupDate("0099-01-01 00:00:00.000 +0000"),
    Date.parse("0099-01-01T00:00:00.000Z"),
  );
});

test("other forms are refused, StateFun's documented one included", () => {
  for (const text of [
    "2020-02-01 04:15:00.00 Z",
    "2020-02-01T04:15:00.000+0000",
    "2020-02-01 04:15:00 +0000",
    "2020-02-01 04:15:00.000 +00:00",
    "2020-2-1 04:15:00.000 +0000",
    "yesterday",
    "",
  ]) {
    assert.equal(parseStartupDate(text), undefined, text);
  }
});

test("days and hours that do not exist are refused", () => {
  for (const text of [
    "2021-02-29 00:00:00.000 +0000",
    "2020-13-01 00:00:00.000 +0000",
    "2020-00-10 00:00:00.000 +0000",
    "2020-01-01 24:00:00.000 +0000",
    "2020-01-01 00:60:00.000 +0000",
    "2020-01-01 00:00:00.000 +1900",
    "2020-01-01 00:00:00.000 +0060",
  ]) {
    assert.equal(parseStartupDate(text), undefined, text);
  }
});
