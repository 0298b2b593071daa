import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointLookup, resolveEndpoint } from "../../src/spec/endpoint-lookup.ts";
import type { EmbeddedEndpoint } from "../../src/spec/module.ts";
import { moduleOf } from "./loading.ts";

const http = (functions: string) =>
  `kind: io.statefun.endpoints.v2/http\nspec: {functions: ${functions}, urlPathTemplate: http://h}\n---\n`;

const { endpoints } = moduleOf(
  http("demo/*") +
    http("demo/special") +
    http("other/one") +
    "kind: io.statefold.embedded.v1/functions\nspec: {module: ./functions.js}\n",
);
const [wildcard, special, other, embedded] = endpoints;
const loaded = (...functionTypes: string[]) => [
  { endpoint: embedded as EmbeddedEndpoint, functionTypes },
];

test("the exact type comes before the wildcard of its namespace", () => {
  const resolve = endpointLookup(endpoints);
  assert.equal(resolve("demo/special"), special);
  assert.equal(resolve("demo/anything"), wildcard);
  assert.equal(resolve("other/one"), other);
});

test("what nobody serves has no endpoint", () => {
  for (const type of ["other/two", "dem/x", "demo", "", "/x"]) {
    assert.equal(resolveEndpoint(endpoints, type), undefined, type);
  }
});

test("an embedded function, once loaded, is an exact type", () => {
  assert.equal(endpointLookup(endpoints, loaded("demo/local"))("demo/local"), embedded);
});

test("an embedded function that another endpoint names exactly is refused, with both places", () => {
  assert.throws(() => endpointLookup(endpoints, loaded("other/one")), {
    code: "MODULE_INVALID",
    message: "function other/one is served twice: /app/module.yaml:8:7 and /app/module.yaml:11:7",
  });
});
