import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointOf, hints, mistakes } from "../loading.ts";

const KIND = "io.statefun.endpoints.v1/http";
const GOOD = "functions: shop/*\nurlPathTemplate: http://functions/{function.name}";

test("the transport is okhttp, with its timeouts directly in the spec", () => {
  const endpoint = endpointOf(
    KIND,
    `${GOOD}\ntimeouts: {call: 2min, read: 20s}\nmaxNumBatchRequests: 5`,
  );
  assert(endpoint.kind === "http");
  assert.deepEqual(endpoint.functions, { namespace: "shop", name: undefined });
  assert.equal(endpoint.transport.type, "okhttp");
  assert.equal(endpoint.transport.callMs, 120_000);
  assert.equal(endpoint.transport.connectMs, 10_000);
  assert.equal(endpoint.transport.readMs, 20_000);
  assert.equal(endpoint.transport.writeMs, 10_000);
  assert.equal(endpoint.maxNumBatchRequests, 5);
  assert.deepEqual(endpoint.retry, { maxAttempts: 5, initialMs: 100, maxMs: 30_000 });
});

test("a call may take a minute by default", () => {
  const endpoint = endpointOf(KIND, GOOD);
  assert(endpoint.kind === "http");
  assert.equal(endpoint.transport.callMs, 60_000);
  assert.equal(endpoint.maxNumBatchRequests, 1000);
});

test("the batch limit takes no quotes, but a placeholder", () => {
  assert.deepEqual(mistakes(KIND, `${GOOD}\nmaxNumBatchRequests: "5"`), [
    "spec.maxNumBatchRequests: must be a whole number without quotes",
  ]);
  const variables = { LIMIT: "7" };
  const endpoint = endpointOf(KIND, `${GOOD}\nmaxNumBatchRequests: "\${LIMIT}"`, { variables });
  assert.equal(endpoint.maxNumBatchRequests, 7);
});

test("mistakes are those of v2, and a transport has no place here", () => {
  assert.equal(mistakes(KIND, "timeouts: {call: 0s}").length, 3);
  assert.deepEqual(hints(KIND, `${GOOD}\ntransport: {type: x}`), [
    "spec.transport: ignored: only io.statefun.endpoints.v2/http has a transport",
  ]);
});
