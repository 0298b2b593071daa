import assert from "node:assert/strict";
import { test } from "node:test";
import { dueDates } from "../../../../examples/billing/demo/account.ts";
import { planOrders } from "../../../../examples/billing/demo/plan.ts";

const options = { seed: 1, subscriptions: 1_000, runMs: 24_000, beginsAt: 1_000_000 };

test("the same seed orders the same, another one something else", () => {
  assert.deepEqual(planOrders(options), planOrders({ ...options }));
  assert.notDeepEqual(planOrders(options), planOrders({ ...options, seed: 2 }));
});

test("some customers change their interval, some leave early, and nobody does both", () => {
  const orders = planOrders(options);
  const changing = orders.filter(({ change }) => change !== undefined);
  const leaving = orders.filter(({ leaves }) => leaves);
  for (const { length } of [changing, leaving]) assert(length > 100 && length < 200, `${length}`);
  assert(changing.every(({ leaves }) => !leaves));
});

test("everything is said well before the date it speaks of", () => {
  for (const runMs of [10_000, 24_000, 60_000]) {
    for (const { begin, change, end } of planOrders({ ...options, runMs })) {
      assert(begin.startsAt >= options.beginsAt);
      assert(end.message.at - end.sendAt >= 4_000);
      assert(change === undefined || change.message.from - change.sendAt >= 4_000);
      assert(change === undefined || change.sendAt < end.sendAt);
    }
  }
});

test("everyone has something to pay, and nobody anything after the end", () => {
  for (const order of planOrders(options)) {
    const dates = dueDates(order);
    assert(dates.length > 0);
    assert(dates.every((date) => date < options.beginsAt + options.runMs));
  }
});
