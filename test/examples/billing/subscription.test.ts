import assert from "node:assert/strict";
import { test } from "node:test";
import { testFunction } from "@statefold/sdk/testing";
import {
  ChangeInterval,
  NewSubscription,
  PaymentSettled,
  Tick,
  Unsubscribe,
} from "../../../examples/billing/messages.ts";
import {
  MAX_ATTEMPTS,
  RETRY_DELAY_MS,
  subscription,
} from "../../../examples/billing/subscription.ts";

const self = { type: "demo/subscription", id: "s1" };
const token = "subscription-timer";

function subject() {
  return testFunction(subscription, { id: "s1", now: 10_000, redeliver: true });
}

/** A timer to itself, as the kit shows it. */
function timer(delayMs: number, period: number, due: number, attempt = 1) {
  return { delayMs, target: self, type: "demo/Tick", value: { period, due, attempt }, token };
}

async function subscribed() {
  const test = subject();
  await test.send(NewSubscription, { user: "ada", periodMs: 1_000 });
  return test;
}

test("a new subscription waits for its first period", async () => {
  const test = subject();
  const effects = await test.send(NewSubscription, { user: "ada", periodMs: 1_000 });
  assert.deepEqual(effects.delayed, [timer(1_000, 1, 11_000)]);
  assert.deepEqual(test.state.subscription, {
    user: "ada",
    periodMs: 1_000,
    status: "active",
    period: 1,
    due: 11_000,
    attempt: 0,
  });
});

test("a subscription that is active already is not begun again", async () => {
  const test = await subscribed();
  test.now += 500;
  const effects = await test.send(NewSubscription, { user: "bob", periodMs: 5 });
  assert.deepEqual(effects.delayed, []);
  assert.equal(test.state.subscription?.user, "ada");
});

test("a due period is paid through the payment of the same id", async () => {
  const test = await subscribed();
  const effects = await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  assert.deepEqual(effects.messages, [
    {
      target: { type: "demo/payment", id: "s1" },
      type: "demo/Payment",
      value: { user: "ada", period: 1, due: 11_000, attempt: 1 },
    },
  ]);
});

test("the same tick twice pays once", async () => {
  const test = await subscribed();
  await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  const { messages } = await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  assert.deepEqual(messages, []);
});

test("the next period counts from the due date, not from when it was paid", async () => {
  const test = await subscribed();
  await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  test.now = 11_400;
  const settled = { period: 1, attempt: 1, paid: true };
  const effects = await test.send(PaymentSettled, settled);
  assert.deepEqual(effects.delayed, [timer(600, 2, 12_000)]);
  assert.equal(test.state.subscription?.due, 12_000);
});

test("a period that is overdue is paid at once", async () => {
  const test = await subscribed();
  await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  test.now = 20_000;
  const effects = await test.send(PaymentSettled, { period: 1, attempt: 1, paid: true });
  assert.deepEqual(effects.delayed, [timer(0, 2, 12_000)]);
});

test("the same settlement twice moves on once", async () => {
  const test = await subscribed();
  await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  await test.send(PaymentSettled, { period: 1, attempt: 1, paid: true });
  const { delayed } = await test.send(PaymentSettled, { period: 1, attempt: 1, paid: true });
  assert.deepEqual(delayed, []);
  assert.equal(test.state.subscription?.period, 2);
});

test("a refused payment is tried again, and then the subscription is suspended", async () => {
  const test = await subscribed();
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const { messages } = await test.send(Tick, { period: 1, due: 11_000, attempt });
    assert.equal(messages.length, 1);
    const { delayed } = await test.send(PaymentSettled, { period: 1, attempt, paid: false });
    const last = attempt === MAX_ATTEMPTS;
    assert.deepEqual(delayed, last ? [] : [timer(RETRY_DELAY_MS, 1, 11_000, attempt + 1)]);
    assert.equal(test.state.subscription?.status, last ? "suspended" : "active");
  }
});

test("a payment that succeeds at the second attempt goes on as if at the first", async () => {
  const test = await subscribed();
  await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  await test.send(PaymentSettled, { period: 1, attempt: 1, paid: false });
  await test.send(Tick, { period: 1, due: 11_000, attempt: 2 });
  await test.send(PaymentSettled, { period: 1, attempt: 2, paid: true });
  assert.equal(test.state.subscription?.period, 2);
  assert.equal(test.state.subscription?.due, 12_000);
});

test("a suspended subscription is taken up with a new period", async () => {
  const test = await subscribed();
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    await test.send(Tick, { period: 1, due: 11_000, attempt });
    await test.send(PaymentSettled, { period: 1, attempt, paid: false });
  }
  test.now = 50_000;
  const { delayed } = await test.send(NewSubscription, { user: "ada", periodMs: 2_000 });
  assert.deepEqual(delayed, [timer(2_000, 2, 52_000)]);
});

test("a changed interval counts from the last due date", async () => {
  const test = await subscribed();
  test.now = 10_400;
  const effects = await test.send(ChangeInterval, { periodMs: 3_000 });
  assert.deepEqual(effects.cancelled, [token]);
  assert.deepEqual(effects.delayed, [timer(2_600, 1, 13_000)]);
  assert.equal(test.state.subscription?.due, 13_000);
});

test("a tick that was on its way when the interval changed is not the new one", async () => {
  const test = await subscribed();
  await test.send(ChangeInterval, { periodMs: 3_000 });
  const early = await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  assert.deepEqual(early.messages, []);
  const { messages } = await test.send(Tick, { period: 1, due: 13_000, attempt: 1 });
  assert.equal(messages.length, 1);
});

test("an interval changed while a payment is under way counts from its due date", async () => {
  const test = await subscribed();
  await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  const effects = await test.send(ChangeInterval, { periodMs: 3_000 });
  assert.deepEqual([effects.cancelled, effects.delayed], [[], []]);
  await test.send(PaymentSettled, { period: 1, attempt: 1, paid: true });
  assert.equal(test.state.subscription?.due, 14_000);
});

test("unsubscribing cancels the timer, and nothing is paid any more", async () => {
  const test = await subscribed();
  const { cancelled } = await test.send(Unsubscribe, {});
  assert.deepEqual(cancelled, [token]);
  const { messages } = await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  assert.deepEqual(messages, []);
});

test("a payment under way when one unsubscribes leads to no further one", async () => {
  const test = await subscribed();
  await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  await test.send(Unsubscribe, {});
  const { delayed } = await test.send(PaymentSettled, { period: 1, attempt: 1, paid: true });
  assert.deepEqual(delayed, []);
  assert.equal(test.state.subscription?.status, "ended");
});

test("changes to a subscription that does not exist do nothing", async () => {
  const test = subject();
  await test.send(ChangeInterval, { periodMs: 1 });
  const { cancelled } = await test.send(Unsubscribe, {});
  assert.deepEqual(cancelled, []);
  assert.equal(test.state.subscription, undefined);
});

test("a subscription without a sensible period is refused with the reason", async () => {
  const wrong = subject().send(NewSubscription, { user: "ada", periodMs: 0 });
  await assert.rejects(wrong, /demo\/NewSubscription.*periodMs must be a whole number above 0/);
});

test("a subscription begins when it says, not when it is heard of", async () => {
  const test = subject();
  const begin = { user: "ada", periodMs: 1_000, startsAt: 9_700 };
  const { delayed } = await test.send(NewSubscription, begin);
  assert.deepEqual(delayed, [timer(700, 1, 10_700)]);
});

test("an interval changed from a day on keeps the dates before it", async () => {
  const test = await subscribed();
  const changed = await test.send(ChangeInterval, { periodMs: 3_000, from: 11_500 });
  assert.deepEqual([changed.cancelled, changed.delayed], [[], []]);
  const dues: number[] = [];
  for (const period of [1, 2, 3]) {
    const due = test.state.subscription?.due ?? 0;
    dues.push(due);
    await test.send(Tick, { period, due, attempt: 1 });
    await test.send(PaymentSettled, { period, attempt: 1, paid: true });
  }
  assert.deepEqual(dues, [11_000, 12_000, 15_000]);
  assert.equal(test.state.subscription?.change, undefined);
});

test("what is due before the end is still paid, and then the subscription ends", async () => {
  const test = await subscribed();
  const { cancelled } = await test.send(Unsubscribe, { at: 12_500 });
  assert.deepEqual(cancelled, []);
  for (const period of [1, 2]) {
    assert.equal(test.state.subscription?.status, "active");
    const due = 10_000 + period * 1_000;
    const { messages } = await test.send(Tick, { period, due, attempt: 1 });
    assert.equal(messages.length, 1);
    await test.send(PaymentSettled, { period, attempt: 1, paid: true });
  }
  assert.equal(test.state.subscription?.status, "ended");
});

test("a refused payment of before the end is still tried again", async () => {
  const test = await subscribed();
  await test.send(Tick, { period: 1, due: 11_000, attempt: 1 });
  await test.send(Unsubscribe, { at: 11_500 });
  const { delayed } = await test.send(PaymentSettled, { period: 1, attempt: 1, paid: false });
  assert.deepEqual(delayed, [timer(RETRY_DELAY_MS, 1, 11_000, 2)]);
});

test("a time that is none is refused with the reason", async () => {
  const wrong = subject().send(Unsubscribe, { at: "tomorrow" } as never);
  await assert.rejects(wrong, /demo\/Unsubscribe.*at must be a time in ms since the epoch/);
});
