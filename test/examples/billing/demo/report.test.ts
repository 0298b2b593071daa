import assert from "node:assert/strict";
import { test } from "node:test";
import type { Account } from "../../../../examples/billing/demo/account.ts";
import { reportLines } from "../../../../examples/billing/demo/report.ts";

const account: Account = {
  ...{ subscriptions: 1_000, changed: 150, left: 140, suspended: 3 },
  ...{ periodsDue: 5_214, periodsPaid: 5_211 },
  ...{ requests: 5_793, retries: 579, results: 6_350, resultsTwice: 557, refused: 585 },
  ...{ duplicates: 0, missing: 0, notDue: 0, wrongDate: 0, outOfOrder: 0, unanswered: 0 },
  findings: [],
};

const kills = { runtime: 6, functions: 5 };

test("an account is a table of what, how many, and what that means", () => {
  const lines = reportLines(account, kills);
  assert(lines.includes("  periods due           5,214   by the calendar: start, interval, end"));
  assert(lines.includes("  missing                   0   due, and not requested"));
  assert(lines.includes("  runtime killed            6   times, with kill -9"));
  assert(lines.every((line) => line.length < 80 && line === line.trimEnd()));
});

test("an account that does not come out says what is wrong", () => {
  const findings = ["s-0001 period 3 attempt 1 was due and not requested"];
  const lines = reportLines({ ...account, missing: 1, findings }, kills);
  assert.equal(lines.at(-1), `  ${findings[0]}`);
});
