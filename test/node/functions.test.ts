import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { endpointName, Functions, named } from "../../src/node/functions.ts";
import type { EmbeddedEndpoint, Endpoint } from "../../src/spec/module.ts";
import { anInvocation } from "../invoke/invocations.ts";
import { anEndpoint } from "../invoke/servers.ts";
import { atEnd } from "../support/cleanup.ts";
import { outcomeOf } from "../support/outcomes.ts";

const { urlPathTemplate: _, transport: __, functions: ___, ...DELIVERY } = anEndpoint("http://f/");

const NIGHT: EmbeddedEndpoint = {
  ...DELIVERY,
  kind: "embedded",
  module: fileURLToPath(new URL("./functions/night.js", import.meta.url)),
};

const http = (namespace: string, name: string | undefined, concurrency = 64): Endpoint => ({
  ...anEndpoint("http://127.0.0.1:1/"),
  ...{ functions: { namespace, name }, concurrency },
});

async function open(t: TestContext, ...endpoints: Endpoint[]): Promise<Functions> {
  const functions = await Functions.open(endpoints);
  atEnd(t, () => functions.close());
  return functions;
}

test("a type is served by its own endpoint, else by its namespace's, else by nobody", async (t) => {
  const endpoints = [http("demo", undefined, 7), http("demo", "own", 8), NIGHT];
  const functions = await open(t, ...endpoints);
  const served = (type: string) => functions.binding(type)?.endpoint;
  assert.equal(served("demo/own"), "demo/own");
  assert.equal(served("demo/any"), "demo/*");
  assert.equal(served("test/counter"), NIGHT.module);
  assert.equal(served("test/other"), undefined, "an embedded endpoint serves what it exports");
  assert.equal(served("other/any"), undefined);
  assert.equal(functions.binding("demo/own")?.concurrency, 8);
  assert.equal(functions.binding("demo/any")?.concurrency, 7);
  assert.deepEqual(
    named(endpoints).map(({ name }) => name),
    ["demo/*", "demo/own", NIGHT.module],
  );
});

test("however many types are asked for, they are found", async (t) => {
  const functions = await open(t, http("demo", undefined));
  for (let i = 0; i < 12_000; i++) functions.binding(`demo/${i}`);
  assert.equal(functions.binding("demo/11999")?.endpoint, "demo/*");
  assert.equal(functions.binding("other/1"), undefined);
});

test("a batch has a bound where the module sets none", async (t) => {
  const functions = await open(t, {
    ...http("demo", undefined),
    maxNumBatchRequests: Number.POSITIVE_INFINITY,
  });
  assert.equal(functions.binding("demo/a")?.maxBatchMessages, 10_000);
});

test("a call that is made wrongly is an outcome, and the one behind it goes on", async (t) => {
  const functions = await open(t, NIGHT);
  const { signal } = new AbortController();
  const wrong = anInvocation({ endpoint: NIGHT.module, messages: [] });
  assert.equal((await outcomeOf(functions, wrong, signal)).kind, "failed");
  const unknown = anInvocation({ endpoint: NIGHT.module });
  const outcome = await outcomeOf(functions, unknown, signal);
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /^FUNCTION_UNKNOWN/);
});

test("an endpoint that does not open closes those before it", async () => {
  const none = { ...NIGHT, module: "/nowhere/functions.js" };
  await assert.rejects(Functions.open([NIGHT, http("demo", undefined), none]), {
    code: "CONFIG_INVALID",
  });
});

test("a function that is served twice is a mistake of the module", async () => {
  await assert.rejects(Functions.open([http("test", "counter"), NIGHT]), {
    code: "MODULE_INVALID",
    message: /test\/counter is served twice/,
  });
});

test("an endpoint is called by its functions, or by its file", () => {
  assert.equal(endpointName(http("demo", undefined)), "demo/*");
  assert.equal(endpointName(http("demo", "fn")), "demo/fn");
  assert.equal(endpointName(NIGHT), NIGHT.module);
});
