import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { types } from "@statefold/sdk";
import { io } from "@statefold/sdk/protocol";
import { utf8 } from "../../src/base/bytes.ts";
import { type EmbeddedInvoker, openEmbeddedInvoker } from "../../src/invoke/embedded.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import type { EmbeddedEndpoint } from "../../src/spec/module.ts";
import { aMessage, wire } from "./invocations.ts";
import { call, told } from "./servers.ts";

const { IntWrapper, StringWrapper } = io.statefun.sdk.types;

function anEmbeddedEndpoint(name: string, concurrency = 10): EmbeddedEndpoint {
  return {
    kind: "embedded",
    place: { file: "module.yaml", line: 3, column: 5 },
    module: fileURLToPath(new URL(`modules/${name}.js`, import.meta.url)),
    onFailure: "park",
    retry: { maxAttempts: 3, initialMs: 10, maxMs: 100 },
    concurrency,
    delivery: "immediate",
    maxNumBatchRequests: 1000,
  };
}

async function functions(
  t: TestContext,
  options: { callMs?: number; concurrency?: number } = {},
): Promise<EmbeddedInvoker> {
  const endpoint = anEmbeddedEndpoint("functions", options.concurrency);
  const invoker = await openEmbeddedInvoker(endpoint, options.callMs);
  t.after(() => invoker.close());
  return invoker;
}

function batch(type: string, ...values: readonly TypedValue[]) {
  const caller = { type: "demo/caller", id: "c" };
  return {
    target: { type, id: "ada" },
    messages: values.map((value) => aMessage({ caller, value })),
    state: [wire('12 07 0a 05 "count"')],
  };
}

function anInt(value: number): TypedValue {
  const bytes = IntWrapper.encode({ value }).finish();
  return { typename: types.int.typename, hasValue: true, value: bytes };
}

test("a module's functions are found by name, in lists, and once each", async (t) => {
  assert.deepEqual((await functions(t)).functionTypes, ["demo/counter", "demo/patient"]);
});

test("an embedded function asks for its states and handles a batch on them", async (t) => {
  const invoker = await functions(t);
  const request = batch("demo/counter", anInt(2), anInt(3));
  assert.equal((await call(invoker, { ...request, state: [] })).kind, "incomplete");
  const outcome = await call(invoker, request);
  assert(outcome.kind === "reply", told(outcome));
  const { messages, mutations } = outcome.effects;
  assert.deepEqual(
    messages.map(({ value }) => IntWrapper.decode(value.value).value),
    [2, 5],
  );
  assert.equal(IntWrapper.decode(mutations[0]?.value?.value ?? utf8("?")).value, 5);
});

test("an error thrown by an embedded function fails its batch with its text", async (t) => {
  const value = StringWrapper.encode({ value: "seven" }).finish();
  const text = { typename: types.string.typename, hasValue: true, value };
  const outcome = await call(await functions(t), batch("demo/counter", text));
  assert.match(told(outcome), /^failed: HANDLER_FAILED: .*no number: seven/);
});

test("a type that the module does not serve fails its batch", async (t) => {
  const outcome = await call(await functions(t), batch("demo/other", anInt(1)));
  assert.match(told(outcome), /^failed: FUNCTION_UNKNOWN: .*demo\/other/);
});

test("a call that does not end fails its batch, and its slot is free again", async (t) => {
  const invoker = await functions(t, { callMs: 20, concurrency: 1 });
  const outcome = await call(invoker, batch("demo/patient", anInt(1)));
  assert.match(told(outcome), /^failed: demo\/patient did not answer within 20 ms$/);
  assert.equal(told(await call(invoker, batch("demo/counter", anInt(1)))), "reply");
});

test("a function that hangs keeps no other of its module waiting", async (t) => {
  const invoker = await functions(t, { concurrency: 1 });
  void call(invoker, batch("demo/patient", anInt(1)));
  assert.equal(told(await call(invoker, batch("demo/counter", anInt(1)))), "reply");
});

test("closing ends what is in flight, waiting, and later", async (t) => {
  const invoker = await functions(t, { concurrency: 1 });
  const outcomes = [1, 2].map((n) => call(invoker, batch("demo/patient", anInt(n))));
  await invoker.close();
  await invoker.close();
  outcomes.push(call(invoker, batch("demo/counter", anInt(1))));
  for (const outcome of await Promise.all(outcomes)) {
    assert.match(told(outcome), /^retryLater: the call was cancelled/);
  }
});

for (const [name, message] of [
  [
    "no-functions",
    /module: .*no-functions.js exports no function; export what statefulFunction\(\)/,
  ],
  ["throwing", /module: .*throwing.js cannot be loaded: this module cannot be loaded/],
  ["no-such-file", /module: .*no-such-file.js cannot be loaded: Cannot find module/],
] as const) {
  test(`a module that is ${name} is refused at start`, async () => {
    await assert.rejects(openEmbeddedInvoker(anEmbeddedEndpoint(name)), (error: Error) => {
      assert.equal((error as Error & { code: string }).code, "CONFIG_INVALID");
      assert.match(error.message, /^module.yaml:3:5: /);
      assert.match(error.message, message);
      return true;
    });
  });
}
