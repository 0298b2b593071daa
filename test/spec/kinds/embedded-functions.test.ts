import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointOf, mistakes } from "../loading.ts";

const KIND = "io.statefold.embedded.v1/functions";

test("a file is enough; delivery settings are those of every endpoint", () => {
  assert.deepEqual(endpointOf(KIND, "module: ./functions.js\nonFailure: skip"), {
    kind: "embedded",
    place: { file: "/app/module.yaml", line: 3, column: 3 },
    module: "/app/functions.js",
    onFailure: "skip",
    retry: { maxAttempts: 5, initialMs: 100, maxMs: 30_000 },
    concurrency: 64,
    delivery: "immediate",
    maxNumBatchRequests: 1000,
  });
});

test("the file is required", () => {
  assert.deepEqual(mistakes(KIND, "{}"), [
    "spec.module: is required: a JavaScript file that exports functions, such as ./functions.js (relative to the module file, absolute, file:///… or classpath:…)",
  ]);
});
