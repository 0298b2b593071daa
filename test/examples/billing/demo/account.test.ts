import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Account,
  comesOut,
  drawAccount,
  dueDates,
} from "../../../../examples/billing/demo/account.ts";
import type { Order } from "../../../../examples/billing/demo/plan.ts";
import type { PaymentRequest, PaymentResult } from "../../../../examples/billing/messages.ts";

function order(differences: Partial<Order> = {}): Order {
  return {
    id: "s1",
    begin: { user: "ada", periodMs: 1_000, startsAt: 10_000 },
    change: undefined,
    end: { message: { at: 14_000 }, sendAt: 0 },
    leaves: false,
    ...differences,
  };
}

function request(period: number, attempt = 1, differences: Partial<PaymentRequest> = {}) {
  const paymentId = `${period}-${attempt}`;
  const due = 10_000 + period * 1_000;
  return { paymentId, subscription: "s1", user: "ada", period, due, attempt, ...differences };
}

function answer(period: number, attempt = 1, paid = true): PaymentResult {
  return { paymentId: `${period}-${attempt}`, paid };
}

/** The bill of `order()`: three periods, the second paid at the second attempt, one answer twice. */
const requests = [request(1), request(2), request(2, 2), request(3)];
const results = [answer(1), answer(2, 1, false), answer(2, 2), answer(3), answer(3)];

function account(of: Partial<{ requests: PaymentRequest[]; results: PaymentResult[] }>): Account {
  return drawAccount([order()], { requests, results, ...of });
}

test("periods are due at dates that follow from start, interval and end alone", () => {
  assert.deepEqual(dueDates(order()), [11_000, 12_000, 13_000]);
});

test("a changed interval counts for the periods that begin from its day on", () => {
  const change = { message: { periodMs: 400, from: 12_000 }, sendAt: 0 };
  assert.deepEqual(dueDates(order({ change })), [11_000, 12_000, 12_400, 12_800, 13_200, 13_600]);
});

test("an account of what was due, paid, refused and answered comes out", () => {
  const drawn = account({});
  assert(comesOut(drawn));
  assert.deepEqual(drawn, {
    ...{ subscriptions: 1, changed: 0, left: 0, suspended: 0, periodsDue: 3, periodsPaid: 3 },
    ...{ requests: 4, retries: 1, results: 5, resultsTwice: 1, refused: 1 },
    ...{ duplicates: 0, missing: 0, notDue: 0, wrongDate: 0, outOfOrder: 0, unanswered: 0 },
    findings: [],
  });
});

test("three refusals suspend a subscription, and nothing is due after them", () => {
  const drawn = account({
    requests: [request(1), request(1, 2), request(1, 3)],
    results: [1, 2, 3].map((attempt) => answer(1, attempt, false)),
  });
  assert(comesOut(drawn));
  assert.equal(drawn.suspended, 1);
  assert.equal(drawn.periodsDue, 1);
  assert.equal(drawn.periodsPaid, 0);
});

const WRONG: readonly [string, Partial<Account>, Parameters<typeof account>[0]][] = [
  ["a period never requested", { missing: 1 }, { requests: requests.toSpliced(0, 1) }],
  ["the last period never requested", { missing: 1 }, { requests: requests.slice(0, -1) }],
  ["no second attempt after a refusal", { missing: 1 }, { requests: requests.toSpliced(2, 1) }],
  [
    "a period requested twice",
    { duplicates: 1 },
    { requests: [...requests, request(3, 1, { paymentId: "other" })] },
  ],
  ["a record that came twice", { duplicates: 1 }, { requests: [...requests, request(3)] }],
  [
    "one payment id for two payments",
    { duplicates: 1 },
    { requests: requests.toSpliced(3, 1, request(3, 1, { paymentId: "1-1" })) },
  ],
  ["a period after the end", { notDue: 1 }, { requests: [...requests, request(4)] }],
  ["an attempt after a payment", { notDue: 1 }, { requests: [...requests, request(3, 2)] }],
  [
    "a subscription nobody ordered",
    { notDue: 1 },
    { requests: [...requests, request(1, 1, { subscription: "s2" })] },
  ],
  [
    "another date",
    { wrongDate: 1 },
    { requests: requests.toSpliced(0, 1, request(1, 1, { due: 11_001 })) },
  ],
  [
    "requests in another order",
    { outOfOrder: 1 },
    { requests: [request(2), request(1), request(2, 2), request(3)] },
  ],
  ["a request without an answer", { unanswered: 1 }, { results: results.slice(0, 3) }],
];

for (const [what, counts, records] of WRONG) {
  test(`${what} is found, and the account does not come out`, () => {
    const drawn = account(records);
    assert.equal(comesOut(drawn), false);
    assert.deepEqual({ ...drawn, ...counts }, drawn);
    assert.equal(drawn.findings.length, 1);
    assert.match(drawn.findings[0] ?? "", /^s\d /);
  });
}

test("a suspended subscription that is billed on is found", () => {
  const refused = [1, 2, 3].map((attempt) => answer(2, attempt, false));
  const drawn = account({
    requests: [request(1), request(2), request(2, 2), request(2, 3), request(3)],
    results: [answer(1), ...refused, answer(3)],
  });
  assert.deepEqual([drawn.suspended, drawn.notDue], [1, 1]);
});

test("only the first findings are told, and all are counted", () => {
  const orders = Array.from({ length: 30 }, (_, index) => order({ id: `s${index}` }));
  const drawn = drawAccount(orders, { requests: [], results: [] });
  assert.equal(drawn.missing, 90);
  assert.equal(drawn.findings.length, 10);
});
