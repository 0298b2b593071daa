import assert from "node:assert/strict";
import { test } from "node:test";
import { raw, reportOf } from "../../bench/support/report.ts";

test("a report is text for people, in the order of its parts", () => {
  const { text } = reportOf(
    { head: ["call", "calls/s"], rows: [["proxy", "12 345"]] },
    raw("proxy, calls/s", [12_345, 12_346.4]),
    "the end\n",
  );
  assert.deepEqual(text.split("\n"), [
    "call   calls/s",
    "──────────────",
    "proxy   12 345",
    "  proxy, calls/s: 12345 12346",
    "the end",
    "",
  ]);
});

test("a report for programs has the rows by their heads, numbers as numbers, and what each round found", () => {
  const head = ["call", "calls/s", "p99 ms", "RSS", "to Restate", "errors"];
  const rows = [["plain proxy", "1 012 345", "0.25", "12 MiB", "–", "3: 503 no"]];
  const { tables, rounds } = reportOf({ head, rows }, raw("p99 ms", [0.25, 0.5], 1));
  const row = { call: "plain proxy", "calls/s": 1_012_345, "p99 ms": 0.25, RSS: 12 };
  assert.deepEqual(tables, [[{ ...row, "to Restate": "–", errors: "3: 503 no" }]]);
  assert.deepEqual(rounds, { "p99 ms": [0.25, 0.5] });
});
