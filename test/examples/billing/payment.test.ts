import assert from "node:assert/strict";
import { test } from "node:test";
import { testFunction } from "@statefold/sdk/testing";
import { Payment, PaymentResult } from "../../../examples/billing/messages.ts";
import { payment } from "../../../examples/billing/payment.ts";

const caller = { type: "demo/subscription", id: "s1" };
const wanted = { user: "ada", period: 4, due: 11_000, attempt: 1 };

async function requested() {
  const test = testFunction(payment, { id: "s1", redeliver: true });
  await test.send(Payment, wanted, { caller });
  const paymentId = test.state.payment?.paymentId ?? "";
  return { test, paymentId };
}

test("a payment is requested once, with all that an account needs", async () => {
  const test = testFunction(payment, { id: "s1", redeliver: true });
  const { egress, messages } = await test.send(Payment, wanted, { caller });
  const paymentId = test.state.payment?.paymentId;
  assert.match(paymentId ?? "", /^[0-9a-f-]{36}$/);
  assert.deepEqual(egress, [
    {
      egress: "demo/kafka",
      topic: "payment_requests",
      key: "s1",
      value: { ...wanted, paymentId, subscription: "s1" },
    },
  ]);
  assert.deepEqual(messages, []);
});

test("a message handled again requests the same payment id; another one does not", async () => {
  const ids: unknown[] = [];
  for (const messageId of ["m-1", "m-1", "m-2"]) {
    const test = testFunction(payment, { id: "s1" });
    await test.send(Payment, wanted, { caller, messageId });
    ids.push(test.state.payment?.paymentId);
  }
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[0], ids[2]);
});

test("a result goes to who wanted the payment", async () => {
  for (const paid of [true, false]) {
    const { test, paymentId } = await requested();
    const { messages } = await test.send(PaymentResult, { paymentId, paid });
    assert.deepEqual(messages, [
      { target: caller, type: "demo/PaymentSettled", value: { period: 4, attempt: 1, paid } },
    ]);
  }
});

test("a second result is ignored, whatever it says", async () => {
  const { test, paymentId } = await requested();
  await test.send(PaymentResult, { paymentId, paid: false });
  const { messages } = await test.send(PaymentResult, { paymentId, paid: true });
  assert.deepEqual(messages, []);
});

test("a late result of an earlier payment is ignored", async () => {
  const { test, paymentId } = await requested();
  await test.send(PaymentResult, { paymentId, paid: false });
  await test.send(Payment, { ...wanted, attempt: 2 }, { caller });
  const { messages } = await test.send(PaymentResult, { paymentId, paid: true });
  assert.deepEqual(messages, []);
  assert.equal(test.state.payment?.settled, false);
});

test("a result nobody asked for is ignored", async () => {
  const test = testFunction(payment);
  const { messages } = await test.send(PaymentResult, { paymentId: "x", paid: true });
  assert.deepEqual(messages, []);
});

test("a result that is none is refused with the reason", async () => {
  const wrong = testFunction(payment).send(PaymentResult, { paymentId: "x" } as never);
  await assert.rejects(wrong, /demo\/PaymentResult.*paid must be true or false/);
});
