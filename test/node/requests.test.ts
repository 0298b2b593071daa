import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import { Requests } from "../../src/node/requests.ts";

test("an answer finds its request, once; one that nobody waits for is dropped", async () => {
  const requests = new Requests();
  const [first, second] = [requests.add(), requests.add()];
  assert.notEqual(first.request, second.request);
  const answer = { kind: "accepted", request: second.request, messageId: "m" } as const;
  requests.settle(answer);
  requests.settle(answer);
  assert.deepEqual(await second.answer, answer);
  assert.deepEqual([requests.size, requests.has(first.request)], [1, true]);
});

test("when the partition goes down all who wait are told, and a number is not given again", async () => {
  const requests = new Requests();
  const before = [requests.add(), requests.add()];
  requests.rejectAll(new StatefoldError("UNAVAILABLE", "it is down"));
  for (const { answer } of before) await assert.rejects(answer, { code: "UNAVAILABLE" });
  assert.equal(requests.size, 0);
  const { request } = requests.add();
  assert.equal(
    before.some((each) => each.request === request),
    false,
  );
});
