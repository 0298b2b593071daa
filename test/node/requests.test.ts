import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import { type Answer, type Asker, Requests } from "../../src/node/requests.ts";

/** Notes what it is told. */
class Told implements Asker {
  readonly answers: Answer[] = [];
  readonly failures: unknown[] = [];

  answered(answer: Answer): void {
    this.answers.push(answer);
  }

  failed(error: unknown): void {
    this.failures.push(error);
  }
}

const asking = (requests: Requests) => {
  const [request, told] = [requests.next(), new Told()];
  requests.add(request, told);
  return { request, told };
};

test("an answer finds its request, once; one that nobody waits for is dropped", () => {
  const requests = new Requests();
  const [first, second] = [asking(requests), asking(requests)];
  assert.notEqual(first.request, second.request);
  const answer = { kind: "accepted", request: second.request, messageId: "m" } as const;
  requests.settle(answer);
  requests.settle(answer);
  assert.deepEqual([first.told.answers, second.told.answers], [[], [answer]]);
  assert.deepEqual([requests.size, requests.has(first.request)], [1, true]);
  requests.fail(first.request, "gone");
  assert.deepEqual([first.told.failures, second.told.failures], [["gone"], []]);
});

test("when the partition goes down all who wait are told, and a number is not given again", () => {
  const requests = new Requests();
  const before = [asking(requests), asking(requests)];
  const error = new StatefoldError("UNAVAILABLE", "it is down");
  requests.failAll(error);
  for (const { told } of before) assert.deepEqual(told.failures, [error]);
  assert.equal(requests.size, 0);
  const next = requests.next();
  assert(!before.some(({ request }) => request === next));
});
