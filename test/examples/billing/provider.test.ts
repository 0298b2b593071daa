import assert from "node:assert/strict";
import { test } from "node:test";
import type { PaymentRequest } from "../../../examples/billing/messages.ts";
import { answersTo, type PaymentAnswer, runProvider } from "../../../examples/billing/provider.ts";

function request(index: number): PaymentRequest {
  const paymentId = `payment-${index}`;
  return { paymentId, subscription: `s${index}`, user: "u", period: 1, due: 0, attempt: 1 };
}

const requests = Array.from({ length: 1_000 }, (_, index) => request(index));

test("the same payment is answered the same way whenever it is asked for", () => {
  for (const asked of requests) {
    assert.deepEqual(answersTo(asked, { seed: 1 }), answersTo({ ...asked }, { seed: 1 }));
  }
});

test("about a tenth of the payments is refused, late, or answered twice", () => {
  const answers = requests.map((asked) => answersTo(asked, { seed: 7 }));
  const refused = answers.filter(([first]) => first?.result.paid === false).length;
  const late = answers.filter(([first]) => first?.afterMs === 1_500).length;
  const twice = answers.filter(({ length }) => length === 2).length;
  for (const count of [refused, late, twice]) assert(count > 60 && count < 140, String(count));
});

test("another seed answers otherwise", () => {
  const all = (seed: number) => requests.map((asked) => answersTo(asked, { seed }));
  assert.notDeepEqual(all(1), all(2));
});

test("two answers agree, and the second comes later", () => {
  const answers = requests.map((asked) => answersTo(asked, { seed: 1, twice: 1 }));
  for (const [first, second] of answers) {
    assert.deepEqual(first?.result, second?.result);
    assert(first && second && second.afterMs > first.afterMs);
  }
});

async function* stream(): AsyncGenerator<PaymentRequest> {
  yield* requests.slice(0, 20);
}

test("the provider answers every request before it ends", async () => {
  const published: PaymentAnswer[] = [];
  const slept: number[] = [];
  const publish = async (answer: PaymentAnswer) => void published.push(answer);
  const sleep = async (ms: number) => void slept.push(ms);
  await runProvider({ requests: stream(), publish, sleep }, { seed: 3 });
  const expected = requests.slice(0, 20).flatMap((asked) => answersTo(asked, { seed: 3 }));
  assert.deepEqual(published.map(({ key }) => key).sort(), expected.map(({ key }) => key).sort());
  assert.equal(slept.length, expected.length);
});

test("an answer that cannot be published ends the provider with the reason", async () => {
  const publish = () => Promise.reject(new Error("no such topic"));
  const ports = { requests: stream(), publish, sleep: () => Promise.resolve() };
  await assert.rejects(runProvider(ports, { seed: 3 }), /no such topic/);
});
