import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import { type Context, type Message, messageBuilder, StateFun } from "apache-flink-statefun";
import type { Invoker } from "../../src/invoke/contract.ts";
import type { Effects } from "../../src/model/invocation.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import { aMessage } from "./invocations.ts";
import { anInvoker, call, told } from "./servers.ts";

/* The Apache project's own JavaScript SDK on the other side of the wire. */

const { IntWrapper, StringWrapper } = io.statefun.sdk.types;

function aString(text: string): TypedValue {
  const value = StringWrapper.encode({ value: text }).finish();
  return { typename: "io.statefun.types/string", hasValue: true, value };
}

/** One entry of the request's states, as the store keeps it. */
function stateEntry(name: string, value: TypedValue | undefined): Uint8Array {
  const { PersistedValue } = io.statefun.sdk.reqreply.ToFunction;
  const entry = PersistedValue.encode({
    stateName: name,
    ...(value !== undefined && { stateValue: value }),
  }).finish();
  assert(entry.byteLength < 128);
  return Buffer.concat([Buffer.from([0x12, entry.byteLength]), entry]);
}

async function officialFunction(
  t: TestContext,
  fn: (context: Context, message: Message) => void,
): Promise<Invoker> {
  const statefun = new StateFun();
  statefun.bind({
    typename: "demo/greeter",
    fn,
    specs: [{ name: "seen", type: StateFun.intType(), expireAfterWrite: 60_000 }],
  });
  const handler = statefun.handler();
  const server = createServer((request, response) => void handler(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return await anInvoker(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

function greet(context: Context, message: Message): void {
  context.storage.seen = (context.storage.seen ?? 0) + 1;
  const value = `${message.asString()} for the ${context.storage.seen}. time`;
  const caller = context.caller;
  if (caller !== null)
    context.send(messageBuilder({ typename: caller.typename, id: caller.id, value }));
  context.sendAfter(5000, messageBuilder({ typename: "demo/greeter", id: "bob", value }), "tick");
  context.cancelDelayedMessage("tock");
}

async function effectsOf(invoker: Invoker, differences: object): Promise<Effects> {
  const outcome = await call(invoker, differences);
  assert(outcome.kind === "reply", told(outcome));
  return outcome.effects;
}

test("the official SDK asks for its states, with their types and expiry", async (t) => {
  const invoker = await officialFunction(t, greet);
  assert.deepEqual(await call(invoker), {
    kind: "incomplete",
    missing: [
      {
        name: "seen",
        typename: "io.statefun.types/int",
        expireMode: "afterWrite",
        expireAfterMs: 60_000,
      },
    ],
  });
});

test("the official SDK handles a batch in order, on the state it is given", async (t) => {
  const invoker = await officialFunction(t, greet);
  const caller = { type: "demo/caller", id: "käller" };
  const messages = ["hello", "good bye"].map((text) => aMessage({ caller, value: aString(text) }));
  const seen = {
    typename: "io.statefun.types/int",
    hasValue: true,
    value: IntWrapper.encode({ value: 41 }).finish(),
  };

  const effects = await effectsOf(invoker, {
    messages,
    state: [stateEntry("seen", seen), stateEntry("unknown_to_it", undefined)],
  });

  assert.deepEqual(
    effects.messages.map(({ target, value }) => [target, StringWrapper.decode(value.value).value]),
    [
      [caller, "hello for the 42. time"],
      [caller, "good bye for the 43. time"],
    ],
  );
  assert.deepEqual(
    effects.delayed.map((each) => (each.kind === "send" ? [each.delayMs, each.token] : each)),
    [
      [5000, "tick"],
      { kind: "cancel", token: "tock" },
      [5000, "tick"],
      { kind: "cancel", token: "tock" },
    ],
  );
  assert.deepEqual(
    effects.mutations.map(({ name, value }) => [
      name,
      value && IntWrapper.decode(value.value).value,
    ]),
    [["seen", 43]],
  );
});

test("the official SDK sees an address without value, and a message without caller", async (t) => {
  const callers: unknown[] = [];
  const invoker = await officialFunction(t, (context) => {
    callers.push(context.caller, context.storage.seen, context.self.typename, context.self.id);
    context.storage.seen = null;
  });
  const effects = await effectsOf(invoker, { state: [stateEntry("seen", undefined)] });
  assert.deepEqual(callers, [null, null, "demo/greeter", "ada"]);
  assert.deepEqual(effects.mutations, [{ name: "seen", value: undefined }]);
});

test("an error in the official SDK's function is a failed batch", async (t) => {
  const invoker = await officialFunction(t, () => {
    throw new Error("nobody will read this");
  });
  const outcome = await call(invoker, { state: [stateEntry("seen", undefined)] });
  assert.match(told(outcome), /^failed: .* answered 500$/);
});
