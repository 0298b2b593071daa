import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointOf, hints, mistakes, problemsOf } from "../loading.ts";

const KIND = "io.statefun.endpoints.v2/http";
const GOOD = "functions: shop/cart\nurlPathTemplate: https://functions/{function.name}";
const NO_TLS = {
  ...{ trustCaCerts: undefined, clientCert: undefined },
  ...{ clientKey: undefined, clientKeyPassword: undefined },
};

test("two fields are enough; the rest has defaults", () => {
  assert.deepEqual(endpointOf(KIND, GOOD), {
    kind: "http",
    place: { file: "/app/module.yaml", line: 3, column: 3 },
    functions: { namespace: "shop", name: "cart" },
    urlPathTemplate: "https://functions/{function.name}",
    transport: {
      type: "async",
      ...{ callMs: 120_000, connectMs: 20_000, readMs: 120_000, writeMs: 120_000 },
      ...{ poolTtlMs: 15_000, poolSize: 1024, payloadMaxBytes: 33_554_432 },
      tls: NO_TLS,
    },
    maxNumBatchRequests: 1000,
    onFailure: "park",
    retry: { maxAttempts: 5, initialMs: 100, maxMs: 30_000 },
    concurrency: 64,
    delivery: "immediate",
  });
});

test("a wildcard serves a namespace", () => {
  const endpoint = endpointOf(KIND, "functions: shop/*\nurlPathTemplate: http://h");
  assert(endpoint.kind === "http");
  assert.deepEqual(endpoint.functions, { namespace: "shop", name: undefined });
});

test("our own fields are read", () => {
  const endpoint = endpointOf(
    KIND,
    `${GOOD}
maxNumBatchRequests: 10
onFailure: deadLetter
retry: {maxAttempts: 1, initial: 2s, max: 1min}
concurrency: 8
delivery: committed`,
  );
  assert.equal(endpoint.maxNumBatchRequests, 10);
  assert.equal(endpoint.onFailure, "deadLetter");
  assert.deepEqual(endpoint.retry, { maxAttempts: 1, initialMs: 2000, maxMs: 60_000 });
  assert.equal(endpoint.concurrency, 8);
  assert.equal(endpoint.delivery, "committed");
});

test("a batch limit of zero or less is none, and quotes do not matter", () => {
  for (const [written, limit] of [
    ["0", Number.POSITIVE_INFINITY],
    ["-1", Number.POSITIVE_INFINITY],
    ['"7"', 7],
  ] as const) {
    assert.equal(
      endpointOf(KIND, `${GOOD}\nmaxNumBatchRequests: ${written}`).maxNumBatchRequests,
      limit,
    );
  }
});

test("what an endpoint cannot do without is asked for", () => {
  assert.deepEqual(mistakes(KIND, "{}"), [
    "spec.functions: is required: <namespace>/<name>, or <namespace>/* for all functions of a namespace",
    'spec.urlPathTemplate: is required: the URL of the functions, such as http://host:8000/statefun, in which "{function.name}" stands for the name',
  ]);
  assert.deepEqual(mistakes(KIND, "functions:\nurlPathTemplate: http://h"), [
    "spec.functions: is empty; it must be <namespace>/<name>, or <namespace>/* for all functions of a namespace",
  ]);
});

test("a pattern has a star only for a whole name", () => {
  for (const pattern of [
    "'*/*'",
    "shop*/cart",
    "shop/ca*",
    "shop/**",
    "shop",
    "a/b/c",
    "/x",
    "x/",
    "[a/b]",
  ]) {
    const [problem] = mistakes(KIND, `functions: ${pattern}\nurlPathTemplate: http://h`);
    assert.match(
      problem ?? "none",
      /^spec\.functions: must be <namespace>\/<name>, or <namespace>\/\* for all functions of a namespace, not /,
      pattern,
    );
  }
});

test("a URL that cannot work is refused with its reason", () => {
  assert.deepEqual(mistakes(KIND, "functions: shop/cart\nurlPathTemplate: functions:8000"), [
    "spec.urlPathTemplate: has no scheme; a URL begins with http://, https://, http+unix:// or https+unix://",
  ]);
  assert.deepEqual(
    hints(KIND, "functions: shop/cart\nurlPathTemplate: http://h/{function.namespace}"),
    [
      "spec.urlPathTemplate: {function.namespace} is not replaced; the only placeholder is {function.name}",
    ],
  );
});

test("every other field is checked, all in one go", () => {
  assert.deepEqual(
    mistakes(
      KIND,
      `${GOOD}
maxNumBatchRequests: 1.5
onFailure: parks
retry: {maxAttempts: 0, initial: 0, max: soon}
concurrency: 0
delivery: [immediate]`,
    ),
    [
      'spec.maxNumBatchRequests: must be a whole number, not "1.5"',
      'spec.onFailure: must be one of park, deadLetter or skip, not "parks"; did you mean "park"?',
      'spec.retry.maxAttempts: must be a whole number of at least 1, not "0"',
      'spec.retry.initial: must be a duration longer than 0, such as 500ms, 10s, 2min, 1h or 3d (a bare number is milliseconds), not "0"',
      'spec.retry.max: must be a duration longer than 0, such as 500ms, 10s, 2min, 1h or 3d (a bare number is milliseconds), not "soon"',
      'spec.concurrency: must be a whole number of at least 1, not "0"',
      "spec.delivery: must be one of immediate or committed, not a list",
    ],
  );
});

test("a retry may not start with more than its longest pause", () => {
  assert.deepEqual(mistakes(KIND, `${GOOD}\nretry: {initial: 2s, max: 1s}`), [
    "spec.retry.max: must not be shorter than initial, the pause it grows from",
  ]);
  assert.deepEqual(mistakes(KIND, `${GOOD}\nretry: {initial: 1min}`), [
    "spec.retry.initial: must not be longer than max, whose default is 30s",
  ]);
});

test("v1's timeouts are pointed to their place", () => {
  assert.deepEqual(hints(KIND, `${GOOD}\ntimeouts: {call: 1s}`), [
    "spec.timeouts: ignored: in v2 the timeouts stand under transport",
  ]);
});

test("a pattern belongs to one endpoint of the module", () => {
  const endpoint = (functions: string) =>
    `kind: ${KIND}\nspec:\n  functions: ${functions}\n  urlPathTemplate: http://h\n---\n`;
  assert.deepEqual(
    problemsOf(endpoint("a/b") + endpoint("a/*") + endpoint("a/b") + endpoint("a/*")),
    [
      "13:14 spec.functions: the function a/b is defined already, at /app/module.yaml:3:14",
      "18:14 spec.functions: the function a/* is defined already, at /app/module.yaml:8:14",
    ],
  );
});
