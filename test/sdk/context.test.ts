import assert from "node:assert/strict";
import { test } from "node:test";
import {
  address,
  type Context,
  SdkError,
  statefulFunction,
  types,
  type ValueType,
} from "@statefold/sdk";
import { empty, exchange, message, resultOf, wireAddress } from "./wire.ts";

type Invocation = Parameters<typeof message>[2];

/** The result of one message handled by `act`. */
function run(act: (ctx: Context) => unknown, rest: Invocation = {}) {
  const fn = statefulFunction("demo/fn").on(types.string, act);
  return resultOf([fn], { type: "demo/fn", messages: [message(types.string, "hello", rest)] });
}

function misused(act: (ctx: Context) => unknown, text: RegExp): Promise<void> {
  return assert.rejects(run(act), (error) => {
    assert(error instanceof SdkError);
    assert.equal(error.code, "CONTEXT_MISUSED");
    assert.match(error.message, /^demo\/fn "1" failed at a message of type/);
    assert.match(error.message, text);
    return true;
  });
}

const TRACE = "trace";
const identified = { messageId: "m-1", acceptedAtMs: 1_234 };

test("the same message gets the same ids, numbers and time whenever it is handled", async () => {
  const seen: unknown[] = [];
  const act = (ctx: Context) => {
    seen.push([ctx.uuid(), ctx.uuid(), ctx.random(), ctx.now()]);
  };
  await run(act, identified);
  await run(act, { ...identified, attempt: 2 });
  assert.deepEqual(seen[0], seen[1]);
  await run(act, { ...identified, messageId: "m-2" });
  assert.notDeepEqual(seen[0], seen[2]);
});

test("what a message id yields never changes, since messages outlive an upgrade", async () => {
  await run((ctx) => {
    assert.equal(ctx.uuid(), "b4122c21-972f-4ef2-9aca-9c30b1b25b9b");
    assert.equal(ctx.uuid(), "596e8b4a-946c-4520-a947-1611ed3ad4c3");
    assert.equal(ctx.random(), 0.23507391771706732);
    assert.equal(ctx.now(), 1_234);
  }, identified);
});

test("ids do not collide over many messages, and are spread evenly", async () => {
  const ids = new Set<string>();
  let sum = 0;
  const count = 5_000;
  const fn = statefulFunction("demo/fn").on(types.string, (ctx) => {
    ids.add(ctx.uuid());
    sum += ctx.random();
  });
  const messages = Array.from({ length: count }, (_, index) =>
    message(types.string, "", { messageId: `0-${index}` }),
  );
  await exchange([fn], { type: "demo/fn", messages });
  assert.equal(ids.size, count);
  assert(Math.abs(sum / count - 0.5) < 0.02, `mean ${sum / count}`);
  for (const id of ids)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("a runtime that sends no ids gets real randomness and the clock", async () => {
  const ids: string[] = [];
  const before = Date.now();
  const act = (ctx: Context) => {
    assert.equal(ctx.messageId, undefined);
    assert.equal(ctx.attempt, 1);
    assert.equal(ctx.traceparent, undefined);
    assert(ctx.now() >= before && ctx.random() < 1);
    assert.equal(ctx.now(), ctx.now());
    ids.push(ctx.uuid());
  };
  await run(act);
  await run(act);
  assert.notEqual(ids[0], ids[1]);
});

test("what the runtime says about a message is there to read", async () => {
  const headers = [
    { key: "a", value: Uint8Array.of(1) },
    { key: "a", value: Uint8Array.of() },
  ];
  const rest = { ...identified, attempt: 4, traceparent: "00-ab-cd-01", headers };
  await run((ctx) => {
    assert.deepEqual(ctx.self, { type: "demo/fn", id: "1" });
    assert.equal(ctx.messageId, "m-1");
    assert.equal(ctx.attempt, 4);
    assert.equal(ctx.traceparent, "00-ab-cd-01");
    const seen = ctx.headers.map(({ key, value }) => [key, ...value]);
    assert.deepEqual(seen, [["a", 1], ["a"]]);
  }, rest);
});

test("a reply goes to the caller", async () => {
  const caller = wireAddress("demo/caller", "ada");
  const act = (ctx: Context) => assert.equal(ctx.reply(types.int, 7), true);
  const { outgoingMessages } = await run(act, { caller });
  assert.equal(outgoingMessages?.length, 1);
  assert.equal(outgoingMessages?.[0]?.target?.id, "ada");
});

test("a reply without a caller is not sent, and says so", async () => {
  const result = await run((ctx) => assert.equal(ctx.reply(types.int, 7), false));
  assert.equal(result.outgoingMessages?.length ?? 0, 0);
});

test("a message is forwarded with its type, its bytes, and what others put beside them", async () => {
  const argument = {
    typename: "other/Type",
    hasValue: true,
    value: Uint8Array.of(1, 2),
    metadata: { [TRACE]: Uint8Array.of(3) },
  };
  const fn = statefulFunction("demo/fn").onAny((ctx) => ctx.forward(address("demo/next", "n")));
  const result = await resultOf([fn], { type: "demo/fn", messages: [{ argument }] });
  const [sent] = result.outgoingMessages ?? [];
  assert.equal(sent?.target?.type, "next");
  assert.equal(sent?.argument?.typename, "other/Type");
  assert.deepEqual([...(sent?.argument?.value ?? [])], [1, 2]);
  assert.deepEqual([...(sent?.argument?.metadata?.[TRACE] ?? [])], [3]);
});

test("a delay is a number of milliseconds or a text, is rounded up, and is never negative", async () => {
  const delays = [1.2, "5s", "2 MIN", "1d", -3, 0];
  const result = await run((ctx) => {
    for (const delay of delays) ctx.sendAfter(delay, ctx.self, types.string, "");
  });
  assert.deepEqual(
    result.delayedInvocations?.map(({ delayInMs }) => Number(delayInMs)),
    [2, 5_000, 120_000, 86_400_000, 0, 0],
  );
});

test("sends and cancellations keep their order", async () => {
  const result = await run((ctx) => {
    ctx.cancel("t");
    ctx.sendAfter(1, ctx.self, types.string, "", { token: "t" });
    ctx.cancel("t");
  });
  assert.deepEqual(
    result.delayedInvocations?.map(({ isCancellationRequest }) => isCancellationRequest),
    [true, false, true],
  );
  assert(result.delayedInvocations?.every(({ cancellationToken }) => cancellationToken === "t"));
});

test("wrong use is named", async () => {
  const self = { type: "demo/fn", id: "1" };
  await misused(
    (ctx) => ctx.send({ type: "demo", id: "1" }, types.string, ""),
    /"demo" is no function type/,
  );
  await misused((ctx) => ctx.send({ type: "a/b/c", id: "1" }, types.string, ""), /exactly one/);
  await misused(
    (ctx) => ctx.send({ type: "a/b", id: "" }, types.string, ""),
    /must be a string that is not empty/,
  );
  await misused((ctx) => ctx.sendAfter("soon", self, types.string, ""), /"soon" is no delay/);
  await misused((ctx) => ctx.sendAfter(NaN, self, types.string, ""), /NaN is no delay/);
  await misused((ctx) => ctx.sendAfter(Infinity, self, types.string, ""), /Infinity is no delay/);
  await misused((ctx) => ctx.cancel(""), /"" is no token/);
  await misused((ctx) => ctx.egress("kafka", types.string, ""), /"kafka" is no egress/);
});

test("a value that does not fit its type is named with the type", async () => {
  const act = (ctx: Context) => ctx.send(ctx.self, types.int, 1.5);
  await assert.rejects(run(act), (error) => {
    assert(error instanceof SdkError);
    assert.equal(error.code, "VALUE_INVALID");
    assert.match(error.message, /1\.5 cannot be written as io\.statefun\.types\/int: RangeError/);
    return true;
  });
});

test("what a handler does after it has ended is refused, not lost", async () => {
  let late: Context | undefined;
  await run((ctx) => {
    late = ctx;
  });
  assert(late !== undefined);
  const ctx = late;
  for (const act of [
    () => ctx.send(ctx.self, types.string, ""),
    () => ctx.sendAfter(1, ctx.self, types.string, ""),
    () => ctx.cancel("t"),
    () => ctx.egress("demo/e", types.string, ""),
  ]) {
    assert.throws(act, /demo\/fn "1" has ended, so this would be lost: await/);
  }
});

test("a value is written when it is sent, so that it may change afterwards", async () => {
  const List: ValueType<number[]> = types.json("demo/List");
  const result = await run((ctx) => {
    const list = [1];
    ctx.send(ctx.self, List, list);
    list.push(2);
  });
  const bytes = result.outgoingMessages?.[0]?.argument?.value ?? new Uint8Array(0);
  assert.deepEqual(List.deserialize(bytes), [1]);
});

test("a batch gives each message its own caller and id", async () => {
  const seen: unknown[] = [];
  const fn = statefulFunction("demo/fn", { state: {} }).on(types.string, (ctx) => {
    seen.push([ctx.messageId, ctx.caller?.id]);
  });
  const messages = ["a", "b"].map((id) =>
    message(types.string, "", { messageId: id, caller: wireAddress("demo/c", id) }),
  );
  await exchange([fn], { type: "demo/fn", state: [empty("unknown")], messages });
  assert.deepEqual(seen, [
    ["a", "a"],
    ["b", "b"],
  ]);
});
