import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Functions,
  kafka,
  kinesis,
  requestReplyHandler,
  SdkError,
  type SdkErrorCode,
  statefulFunction,
  types,
  value,
} from "@statefold/sdk";
import { io } from "@statefold/sdk/protocol";
import flink from "apache-flink-statefun";
import { official, officialAnswer } from "./official.ts";
import {
  type Batch,
  empty,
  exchange,
  hex,
  message,
  requestBytes,
  resultOf,
  stored,
  wireAddress,
} from "./wire.ts";

const { FromFunction, ToFunction } = io.statefun.sdk.reqreply;

const SourceCommand = types.raw("statefun.smoke.e2e/source-command");

const smoke = statefulFunction("statefun.smoke.e2e/command-interpreter-fn", {
  state: { state: value(types.int) },
}).on(SourceCommand, (ctx) => {
  ctx.state.state = (ctx.state.state ?? 0) + 1;
});

const counter = statefulFunction("demo/counter", { state: { count: value(types.int) } }).on(
  types.int,
  (ctx, by) => {
    ctx.state.count = (ctx.state.count ?? 0) + by;
  },
);

function failsWith(
  functions: Functions,
  batch: Batch | Uint8Array,
  code: SdkErrorCode,
  text: RegExp,
) {
  const bytes = batch instanceof Uint8Array ? batch : requestBytes(batch);
  return assert.rejects(requestReplyHandler(functions).handle(bytes), (error) => {
    assert(error instanceof SdkError);
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  });
}

test("a request without states is answered with the recorded bytes of an incomplete context", async () => {
  const request = requestBytes({
    type: smoke.typename,
    messages: [message(SourceCommand, Uint8Array.of())],
  });
  const answer = await requestReplyHandler([smoke]).handle(request);
  const spec = `0a0573746174651a15${hex(Buffer.from("io.statefun.types/int"))}`;
  assert.equal(hex(answer), `aa06200a1e${spec}`);
});

test("a registered state without value is a state that has none yet", async () => {
  const answer = await requestReplyHandler([smoke]).handle(
    requestBytes({
      type: smoke.typename,
      state: [empty("state")],
      messages: [message(SourceCommand, Uint8Array.of())],
    }),
  );
  const modify = "080112057374617465";
  const typedValue = `0a15${hex(Buffer.from("io.statefun.types/int"))}10011a050d01000000`;
  const mutation = `${modify}1a20${typedValue}`;
  assert.equal(hex(answer), `a2062d0a2b${mutation}`);
});

test("a state with has_value false has no value", async () => {
  const state = [{ stateName: "count", stateValue: { typename: "", hasValue: false } }];
  const result = await resultOf([counter], {
    type: counter.typename,
    state,
    messages: [message(types.int, 3)],
  });
  assert.deepEqual(
    [...(result.stateMutations?.[0]?.stateValue?.value ?? [])],
    [...types.int.serialize(3)],
  );
});

test("a state of zero bytes is a present zero", async () => {
  const seen: unknown[] = [];
  const reader = statefulFunction("demo/reader", { state: { count: value(types.int) } }).on(
    types.boolean,
    (ctx) => {
      seen.push(ctx.state.count);
    },
  );
  const messages = [message(types.boolean, false)];
  await exchange([reader], {
    type: "demo/reader",
    state: [stored("count", types.int, 0)],
    messages,
  });
  await exchange([reader], { type: "demo/reader", state: [empty("count")], messages });
  assert.deepEqual(seen, [0, undefined]);
});

test("only the missing states are asked for, with their lifetimes", async () => {
  const fn = statefulFunction("demo/many", {
    state: {
      known: value(types.string),
      written: value(types.long, { expireAfterWrite: "400d" }),
      called: value(types.json("demo/x"), { expireAfterCall: 1500 }),
    },
  }).on(types.string, () => assert.fail("nothing is done in an incomplete context"));
  const answer = await exchange([fn], {
    type: "demo/many",
    state: [empty("known"), empty("from another version")],
    messages: [message(types.string, "")],
  });
  const missing = answer.incompleteInvocationContext?.missingValues?.map((spec) => ({
    name: spec.stateName,
    type: spec.typeTypename,
    mode: spec.expirationSpec?.mode,
    ms: Number(spec.expirationSpec?.expireAfterMillis),
  }));
  assert.deepEqual(missing, [
    { name: "written", type: "io.statefun.types/long", mode: 1, ms: 34_560_000_000 },
    { name: "called", type: "demo/x", mode: 2, ms: 1500 },
  ]);
});

test("a batch is handled one after another on the same state and written once", async () => {
  const order: string[] = [];
  const slow = statefulFunction("demo/slow", { state: { count: value(types.int) } }).on(
    types.string,
    async (ctx, text) => {
      order.push(`${text} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      ctx.state.count = (ctx.state.count ?? 0) + 1;
      ctx.send(ctx.self, types.int, ctx.state.count);
      order.push(`${text} ends`);
    },
  );
  const result = await resultOf([slow], {
    type: "demo/slow",
    state: [stored("count", types.int, 40)],
    messages: [message(types.string, "a"), message(types.string, "b")],
  });
  assert.deepEqual(order, ["a begins", "a ends", "b begins", "b ends"]);
  assert.equal(result.stateMutations?.length, 1);
  assert.equal(hex(result.stateMutations?.[0]?.stateValue?.value ?? Buffer.of()), "0d2a000000");
  const sent = result.outgoingMessages?.map(({ argument }) => hex(argument?.value ?? Buffer.of()));
  assert.deepEqual(sent, ["0d29000000", "0d2a000000"]);
});

test("every kind of effect is answered as the official SDK does", async () => {
  const self = "demo/everything";
  const Json = types.json<{ a: number }>("demo/json");
  const ours = statefulFunction(self, {
    state: { count: value(types.int), text: value(types.string), gone: value(Json) },
  }).on(types.string, (ctx, text) => {
    ctx.state.count = (ctx.state.count ?? 0) + 1;
    ctx.state.text = "";
    ctx.state.gone = undefined;
    ctx.send({ type: "demo/other", id: text }, types.boolean, false);
    ctx.sendAfter(1000, ctx.self, Json, { a: 1 });
    ctx.cancel("old");
    ctx.sendAfter(0, { type: "demo/other", id: "x" }, types.float, 0.5, { token: "new" });
    ctx.egress("demo/kafka", kafka({ topic: "t", key: text, value: "v" }));
    ctx.egress("demo/kafka", kafka({ topic: "t", valueType: Json, value: { a: 2 } }));
    ctx.egress("demo/kinesis", kinesis({ stream: "s", partitionKey: "p", value: "v" }));
    ctx.egress("demo/discard", types.string, "discarded-message");
  });

  const json = flink.StateFun.jsonType<{ a: number }>("demo/json");
  const float = flink.StateFun.floatType();
  const theirs = official();
  theirs.bind({
    typename: self,
    specs: [
      { name: "count", type: flink.StateFun.intType() },
      { name: "text", type: flink.StateFun.stringType() },
      { name: "gone", type: json },
    ],
    fn: (ctx) => {
      ctx.storage.count = (ctx.storage.count ?? 0) + 1;
      ctx.storage.text = "";
      ctx.storage.gone = null;
      const build = flink.messageBuilder;
      const valueType = flink.StateFun.booleanType();
      ctx.send(build({ typename: "demo/other", id: "ada", value: false, valueType }));
      ctx.sendAfter(1000, build({ typename: self, id: "1", value: { a: 1 }, valueType: json }));
      ctx.cancelDelayedMessage("old");
      const late = build({ typename: "demo/other", id: "x", value: 0.5, valueType: float });
      ctx.sendAfter(0, late, "new");
      const typename = "demo/kafka";
      ctx.send(flink.kafkaEgressMessage({ typename, topic: "t", key: "ada", value: "v" }));
      const value = { a: 2 };
      ctx.send(flink.kafkaEgressMessage({ typename, topic: "t", value, valueType: json }));
      ctx.send(
        flink.kinesisEgressMessage({
          typename: "demo/kinesis",
          stream: "s",
          partitionKey: "p",
          value: "v",
        }),
      );
      ctx.send(
        flink.egressMessageBuilder({
          typename: "demo/discard",
          value: "discarded-message",
          valueType: flink.StateFun.stringType(),
        }),
      );
    },
  });

  for (const state of [
    [],
    [stored("count", types.int, 6), empty("text"), stored("gone", Json, { a: 0 })],
  ]) {
    const request = requestBytes({ type: self, state, messages: [message(types.string, "ada")] });
    const answer = await requestReplyHandler([ours]).handle(request);
    // Theirs writes the token of a delayed message before the message, so both are read and written again.
    const canonical = (bytes: Uint8Array) =>
      hex(FromFunction.encode(FromFunction.decode(bytes)).finish());
    assert.equal(canonical(answer), canonical(await officialAnswer(theirs, request)));
    assert.equal(hex(answer), canonical(answer));
  }
});

test("a handler that does nothing is answered with an empty result", async () => {
  const quiet = statefulFunction("demo/quiet").on(types.string, () => undefined);
  const request = requestBytes({ type: "demo/quiet", messages: [message(types.string, "x")] });
  assert.equal(hex(await requestReplyHandler([quiet]).handle(request)), "a20600");
});

test("fields of other runtimes' own are skipped", async () => {
  const request = requestBytes({ type: smoke.typename, messages: [] });
  const unknown = Buffer.from([...request, 0xfa, 0x3f, 0x02, 0x68, 0x69]); // field 1023
  assert.equal(hex(await requestReplyHandler([smoke]).handle(unknown)).slice(0, 4), "aa06");
});

test("an unknown function type is named, with those that are served", async () => {
  const batch = { type: "demo/nobody", messages: [message(types.string, "x")] };
  await failsWith(
    [counter, smoke],
    batch,
    "FUNCTION_UNKNOWN",
    /demo\/nobody here; served are demo/,
  );
});

test("a request that is none is malformed", async () => {
  await failsWith([counter], new Uint8Array(0), "REQUEST_MALFORMED", /empty/);
  await failsWith(
    [counter],
    Buffer.from("hello"),
    "REQUEST_MALFORMED",
    /5 bytes are no ToFunction/,
  );
  await failsWith([counter], Buffer.of(0xfa, 0x3f, 0x00), "REQUEST_MALFORMED", /no invocation/);
  const noTarget = ToFunction.encode({ invocation: { invocations: [{}] } }).finish();
  await failsWith([counter], noTarget, "REQUEST_MALFORMED", /no target/);
});

test("a message that no handler takes says who, what, and what would be taken", async () => {
  const batch = { type: "demo/counter", id: "ada", state: [empty("count")] };
  await failsWith(
    [counter],
    { ...batch, messages: [message(types.string, "x")] },
    "MESSAGE_UNHANDLED",
    /demo\/counter "ada" failed at a message of type io\.statefun\.types\/string: .*takes io\.statefun\.types\/int/,
  );
});

test("a message whose bytes do not fit its type is named", async () => {
  const argument = { typename: types.int.typename, hasValue: true, value: Buffer.of(1, 2, 3) };
  await failsWith(
    [counter],
    { type: "demo/counter", state: [empty("count")], messages: [{ argument, messageId: "m-7" }] },
    "MESSAGE_INVALID",
    /io\.statefun\.types\/int, id "m-7": the message cannot be read: its 3 bytes/,
  );
});

test("a message without value is named", async () => {
  const argument = { typename: types.int.typename, hasValue: false };
  const batch = { type: "demo/counter", state: [empty("count")], messages: [{ argument }] };
  await failsWith([counter], batch, "MESSAGE_INVALID", /has_value is false/);
});

test("a state of another type is named before any handler runs", async () => {
  await failsWith(
    [counter],
    {
      type: "demo/counter",
      id: "ada",
      state: [stored("count", types.string, "x")],
      messages: [message(types.int, 1)],
    },
    "STATE_TYPE_MISMATCH",
    /demo\/counter "ada": state "count" is stored as io\.statefun\.types\/string, but declared as io\.statefun\.types\/int/,
  );
});

test("a state whose bytes do not fit its type is named", async () => {
  const stateValue = { typename: types.int.typename, hasValue: true, value: Buffer.of(1) };
  const batch = { type: "demo/counter", state: [{ stateName: "count", stateValue }] };
  await failsWith(
    [counter],
    { ...batch, messages: [message(types.int, 1)] },
    "STATE_INVALID",
    /demo\/counter "1" failed at .*state "count" cannot be read: its 1 bytes/,
  );
});

test("a state that cannot be written is named", async () => {
  const wrong = statefulFunction("demo/wrong", { state: { count: value(types.int) } }).on(
    types.string,
    (ctx) => {
      ctx.state.count = 0.5;
    },
  );
  const batch = { type: "demo/wrong", state: [empty("count")] };
  await failsWith(
    [wrong],
    { ...batch, messages: [message(types.string, "x")] },
    "VALUE_INVALID",
    /demo\/wrong "1": state "count" cannot be written: 0\.5 cannot be written as .*whole number/,
  );
});

test("a type that serializes to something else than bytes is named", async () => {
  const Wrong = types.custom("demo/Wrong", {
    serialize: () => "text" as unknown as Uint8Array,
    deserialize: () => "",
  });
  const fn = statefulFunction("demo/fn").on(types.string, (ctx) => ctx.send(ctx.self, Wrong, ""));
  const batch = { type: "demo/fn", messages: [message(types.string, "")] };
  await failsWith([fn], batch, "VALUE_INVALID", /demo\/Wrong: .*serialize gave "text"/);
});

test("what a handler throws fails the batch with function, id, type and text", async () => {
  const failing = statefulFunction("demo/failing")
    .on(types.string, async () => {
      throw new TypeError("no such plan", { cause: new Error("gone") });
    })
    .on(types.int, () => {
      return Promise.reject("a text"); // not every library throws errors
    });
  await failsWith(
    [failing],
    { type: "demo/failing", id: "x y", messages: [message(types.string, "")] },
    "HANDLER_FAILED",
    /^demo\/failing "x y" failed at a message of type io\.statefun\.types\/string: TypeError: no such plan: gone$/,
  );
  const batch = { type: "demo/failing", messages: [message(types.int, 1)] };
  await failsWith([failing], batch, "HANDLER_FAILED", /: a text$/);
});

test("functions that cannot be served together are refused when they are put together", () => {
  const twin = statefulFunction("demo/counter");
  assert.throws(() => requestReplyHandler([counter, twin]), /two functions have the type/);
  assert.throws(() => requestReplyHandler([{} as typeof counter]), /not made by statefulFunction/);
});

test("functions may be given by name", async () => {
  const handler = requestReplyHandler({ counter, smoke });
  assert.deepEqual(handler.typenames, ["demo/counter", smoke.typename]);
});

test("a caller of three empty fields is none", async () => {
  const callers: unknown[] = [];
  const fn = statefulFunction("demo/callee").on(types.string, (ctx) => {
    callers.push(ctx.caller);
  });
  const ada = wireAddress("demo/caller", "ada");
  const messages = [{}, { caller: {} }, { caller: ada }].map((rest) =>
    message(types.string, "", rest),
  );
  await exchange([fn], { type: "demo/callee", messages });
  assert.deepEqual(callers, [undefined, undefined, { type: "demo/caller", id: "ada" }]);
});
