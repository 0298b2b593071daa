/** examples/billing as a whole: its functions, its module.yaml, its provider, over simulated time. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  NewSubscription,
  PaymentRequest,
  type PaymentResult,
  Unsubscribe,
} from "../../examples/billing/messages.ts";
import { KAFKA, payment, REQUESTS_TOPIC, RESULTS_TOPIC } from "../../examples/billing/payment.ts";
import { answersTo, type ProviderOptions } from "../../examples/billing/provider.ts";
import { MAX_ATTEMPTS, subscription } from "../../examples/billing/subscription.ts";
import { type TestNode, type TestNodeOptions, testNode } from "../../src/testing.ts";

const DAY_MS = 86_400_000;
const START = new Date("2026-01-01T00:00:00Z");

function billing(options: Partial<TestNodeOptions> = {}): Promise<TestNode> {
  const module = join("examples", "billing", "module.yaml");
  return testNode({ functions: [subscription, payment], module, start: START, ...options });
}

const REQUESTS = { topic: REQUESTS_TOPIC, type: PaymentRequest };

/** The payment provider: answers each request after a while, perhaps twice, perhaps with a refusal. */
function provider(node: TestNode, options: ProviderOptions): void {
  node.onRecord(KAFKA, REQUESTS, ({ value: request }) => {
    for (const { key, result, afterMs } of answersTo(request, options)) {
      node.after(afterMs, () => node.ingest(RESULTS_TOPIC, { key, value: result }));
    }
  });
}

/** One that says the same to everybody at once. */
function says(node: TestNode, paid: (request: PaymentRequest) => boolean): void {
  node.onRecord(KAFKA, REQUESTS, ({ value: request }) => {
    const value: PaymentResult = { paymentId: request.paymentId, paid: paid(request) };
    return node.ingest(RESULTS_TOPIC, { key: request.subscription, value });
  });
}

/** Periods and attempts asked for, of one subscription, in order. */
function asked(node: TestNode, id: string): string[] {
  const requests = node.records(KAFKA, REQUESTS).map(({ value }) => value);
  return requests
    .filter((request) => request.subscription === id)
    .map(({ period, attempt }) => `${period}.${attempt}`);
}

test("a year of monthly payments is asked for month by month, each on its day", async () => {
  await using node = await billing();
  says(node, () => true);
  const value = { user: "ada", periodMs: 30 * DAY_MS };
  await node.ingest("subscriptions", { key: "s1", value });
  await node.advance("365d");

  const records = node.records(KAFKA, REQUESTS);
  const days = records.map(({ atMs }) => (atMs - START.getTime()) / DAY_MS);
  assert.deepEqual(days, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330, 360]);
  assert.deepEqual(
    records.map(({ value: { period, due } }) => [period, due]),
    days.map((day, i) => [i + 1, START.getTime() + day * DAY_MS]),
  );
  assert.equal(node.state(subscription, "s1").subscription?.period, 13);
  assert.deepEqual(node.failures(), []);
});

test("a year of many subscriptions comes out the same however often the node crashes", async () => {
  const run = async (crashes: number) => {
    await using node = await billing({ crashes, seed: 7, partitions: 3 });
    provider(node, { seed: 3, refused: 0.2, late: 0.3, twice: 0.3 });
    for (const id of ["ada", "bob", "cyd", "dan"]) {
      await node.ingest("subscriptions", { key: id, value: { user: id, periodMs: 20 * DAY_MS } });
    }
    await node.advance("365d");
    assert.deepEqual([node.dead(), node.parked(), node.failures()], [[], [], []]);
    return node.ids(subscription).map((id) => {
      const { status, period, due } = node.state(subscription, id).subscription ?? {};
      const periods = new Map<number, number[]>();
      for (const { value } of node.records(KAFKA, REQUESTS)) {
        if (value.subscription !== id) continue;
        periods.set(value.period, [...(periods.get(value.period) ?? []), value.attempt]);
      }
      return { id, status, period, due, periods };
    });
  };
  for (const crashes of [0, 0.05]) {
    const results = await run(crashes);
    assert.equal(results.length, 4);
    for (const { status, period, due, periods } of results) {
      // No period is left out, none is asked for twice, and attempts count from 1.
      const last = status === "active" ? (period ?? 0) - 1 : (period ?? 0);
      assert.deepEqual(
        [...periods.keys()],
        Array.from({ length: last }, (_, i) => i + 1),
      );
      for (const attempts of periods.values()) {
        assert.deepEqual(
          attempts,
          Array.from({ length: attempts.length }, (_, i) => i + 1),
        );
        assert(attempts.length <= MAX_ATTEMPTS);
      }
      assert.equal(due, START.getTime() + (period ?? 0) * 20 * DAY_MS);
      if (status === "active") assert.equal(period, 19);
    }
  }
});

test("a crash at any point of a payment neither loses it nor asks for it twice", async () => {
  let steps = 0;
  for (let hasCrashed = true; hasCrashed; steps++) {
    await using node = await billing();
    says(node, () => true);
    await node.send(subscription.at("s1"), NewSubscription, { user: "ada", periodMs: DAY_MS });
    await node.advance(DAY_MS - 1);
    node.after(1, () => node.crashIn(steps));
    await node.advance(1);
    assert.deepEqual(asked(node, "s1"), ["1.1"], `after ${steps} steps`);
    assert.equal(node.state(subscription, "s1").subscription?.period, 2, `after ${steps} steps`);
    hasCrashed = node.crashCount > 0;
  }
  assert(steps > 20, `a payment of ${steps} steps`);
});

test("a refused payment is tried again, and the next period keeps its date", async () => {
  await using node = await billing();
  says(node, ({ period, attempt }) => period !== 2 || attempt === 3);
  await node.send(subscription.at("s1"), NewSubscription, { user: "ada", periodMs: DAY_MS });
  await node.advance("3d");
  assert.deepEqual(asked(node, "s1"), ["1.1", "2.1", "2.2", "2.3", "3.1"]);
  const { subscription: known } = node.state(subscription, "s1");
  assert.deepEqual([known?.status, known?.due], ["active", START.getTime() + 4 * DAY_MS]);
});

test("a period that is refused again and again suspends the subscription until it is renewed", async () => {
  await using node = await billing();
  let isRich = false;
  says(node, () => isRich);
  const wanted = { user: "ada", periodMs: DAY_MS };
  await node.send(subscription.at("s1"), NewSubscription, wanted);
  await node.advance("10d");
  assert.deepEqual(asked(node, "s1"), ["1.1", "1.2", "1.3"]);
  assert.equal(node.state(subscription, "s1").subscription?.status, "suspended");
  assert.deepEqual(node.timers(), []);

  isRich = true;
  await node.send(subscription.at("s1"), NewSubscription, wanted);
  await node.advance("2d");
  assert.deepEqual(asked(node, "s1").slice(3), ["2.1", "3.1"]);
});

test("unsubscribing cancels what was to come", async () => {
  await using node = await billing();
  says(node, () => true);
  await node.send(subscription.at("s1"), NewSubscription, { user: "ada", periodMs: DAY_MS });
  await node.advance("2d");
  const [timer] = node.timers();
  assert.equal(timer?.dueAtMs, START.getTime() + 3 * DAY_MS);
  assert.deepEqual(timer?.value, { period: 3, due: timer?.dueAtMs, attempt: 1 });

  await node.send(subscription.at("s1"), Unsubscribe, {});
  await node.advance("30d");
  assert.deepEqual(asked(node, "s1"), ["1.1", "2.1"]);
  assert.deepEqual(node.timers(), []);
});

test("a result that nobody can read waits for a person, with its reason", async () => {
  await using node = await billing();
  await node.ingest(RESULTS_TOPIC, { key: "s1", value: '{"paid":"yes"}' });
  await node.advance("1min");
  const [parked] = node.parked();
  assert.deepEqual(parked?.address, payment.at("s1"));
  assert.match(parked?.reason ?? "", /MESSAGE_INVALID.*paymentId must be a text/);
  assert.equal(parked?.messages[0]?.value, '{"paid":"yes"}');
  assert(await node.skipParked(payment.at("s1")));
  assert.deepEqual([node.parked(), node.dead()[0]?.message?.target], [[], payment.at("s1")]);
});
