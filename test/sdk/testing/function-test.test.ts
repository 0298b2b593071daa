import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { kafka, kinesis, SdkError, statefulFunction, types, value } from "@statefold/sdk";
import { testFunction } from "@statefold/sdk/testing";

const Order = types.json<{ item: string; count: number }>("shop/Order");

const shop = statefulFunction("shop/cart", {
  state: { orders: value(types.int), last: value(Order) },
})
  .on(Order, (ctx, order) => {
    ctx.state.orders = (ctx.state.orders ?? 0) + 1;
    ctx.state.last = order;
    ctx.reply(types.string, "thanks");
    ctx.send({ type: "shop/stock", id: order.item }, types.int, order.count);
    ctx.sendAfter("1h", ctx.self, types.string, "remind", { token: "reminder" });
    ctx.sendAfter(5, ctx.self, types.string, "soon");
    ctx.cancel("old");
    ctx.egress(
      "shop/kafka",
      kafka({ topic: "orders", key: ctx.self.id, valueType: Order, value: order }),
    );
    ctx.egress("shop/kafka", kafka({ topic: "log", value: "text", headers: { trace: "x" } }));
    ctx.egress("shop/kinesis", kinesis({ stream: "s", partitionKey: "p", value: Buffer.of(0xff) }));
    ctx.egress("shop/any", types.boolean, true);
  })
  .on(types.string, (ctx) => {
    ctx.state.last = undefined;
    throw new Error("not today");
  });

test("effects come out as plain values", async () => {
  const cart = testFunction(shop, { id: "ada" });
  const order = { item: "tea", count: 2 };
  const caller = { type: "shop/web", id: "w" };
  assert.deepEqual(await cart.send(Order, order, { caller }), {
    replies: [{ type: "io.statefun.types/string", value: "thanks" }],
    messages: [
      { target: { type: "shop/stock", id: "tea" }, type: "io.statefun.types/int", value: 2 },
    ],
    delayed: [
      {
        delayMs: 3_600_000,
        target: { type: "shop/cart", id: "ada" },
        type: "io.statefun.types/string",
        value: "remind",
        token: "reminder",
      },
      {
        delayMs: 5,
        target: { type: "shop/cart", id: "ada" },
        type: "io.statefun.types/string",
        value: "soon",
      },
    ],
    cancelled: ["old"],
    egress: [
      { egress: "shop/kafka", topic: "orders", key: "ada", value: order },
      { egress: "shop/kafka", topic: "log", value: "text", headers: { trace: "x" } },
      { egress: "shop/kinesis", stream: "s", partitionKey: "p", value: Uint8Array.of(0xff) },
      { egress: "shop/any", type: "io.statefun.types/bool", value: true },
    ],
  });
});

test("state is set before, carried from message to message, and read after", async () => {
  const cart = testFunction(shop);
  cart.state.orders = 6;
  await cart.send(Order, { item: "a", count: 1 });
  await cart.send(Order, { item: "b", count: 2 });
  assert.equal(cart.state.orders, 8);
  assert.deepEqual(cart.state.last, { item: "b", count: 2 });
  cart.state.last = undefined;
  assert.equal(cart.state.last, undefined);
});

test("a handler that throws leaves the state as it was", async () => {
  const cart = testFunction(shop, { id: "ada" });
  cart.state.last = { item: "a", count: 1 };
  await assert.rejects(cart.send(types.string, "x"), /shop\/cart "ada" failed .*not today/);
  assert.deepEqual(cart.state.last, { item: "a", count: 1 });
});

test("nobody is replied to when there is no caller", async () => {
  const { replies } = await testFunction(shop).send(Order, { item: "a", count: 1 });
  assert.deepEqual(replies, []);
});

test("time, ids and headers are as the test says", async () => {
  const seen: unknown[] = [];
  const fn = statefulFunction("demo/seen").on(types.string, (ctx) => {
    seen.push([ctx.now(), ctx.messageId, ctx.attempt, ctx.traceparent, ctx.headers]);
  });
  const subject = testFunction(fn, { now: 5_000 });
  await subject.send(types.string, "");
  subject.now += 10;
  const headers = [{ key: "k", value: Uint8Array.of(1) }];
  const options = { messageId: "m", attempt: 3, traceparent: "00-ab", headers };
  await subject.send(types.string, "", options);
  assert.deepEqual(seen, [
    [5_000, "message-1", 1, undefined, []],
    [5_010, "m", 3, "00-ab", headers],
  ]);
});

/** Runs a handler that may do what it likes in the forced re-delivery mode. */
function redeliver(act: (id: () => string) => unknown): Promise<unknown> {
  const Request = types.json<{ id: unknown }>("demo/Request");
  const fn = statefulFunction("demo/payment", { state: { id: value(Request) } }).on(
    types.string,
    (ctx) => {
      const id = act(() => ctx.uuid());
      ctx.state.id = { id };
      ctx.egress("demo/kafka", kafka({ topic: "t", valueType: Request, value: { id } }));
    },
  );
  return testFunction(fn, { id: "ada", redeliver: true }).send(types.string, "");
}

async function notRepeatable(run: Promise<unknown>, text: RegExp): Promise<void> {
  await assert.rejects(run, (error) => {
    assert(error instanceof SdkError);
    assert.equal(error.code, "HANDLER_NOT_REPEATABLE");
    assert.match(error.message, text);
    return true;
  });
}

test("a handler that repeats itself passes the forced re-delivery", async () => {
  await redeliver((uuid) => uuid());
});

test("forced re-delivery shows where a handler differs, and how", async () => {
  let calls = 0;
  await notRepeatable(
    redeliver(() => ++calls),
    /demo\/payment "ada" is not repeatable at a message of type io\.statefun\.types\/string.*\n {2}egress\[0\]\.value\.id\n {4}first: {2}1\n {4}second: 2\n/,
  );
});

test("forced re-delivery finds the clock, also a mocked timer's", async (t) => {
  await notRepeatable(
    redeliver(() => Date.now()),
    /egress\[0\]\.value\.id/,
  );
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  await notRepeatable(
    redeliver(() => Date.now()),
    /egress\[0\]\.value\.id/,
  );
});

test("forced re-delivery finds a difference in state alone", async () => {
  let calls = 0;
  const fn = statefulFunction("demo/fn", { state: { n: value(types.int) } }).on(
    types.string,
    (ctx) => {
      ctx.state.n = ++calls;
    },
  );
  const run = testFunction(fn, { redeliver: true }).send(types.string, "");
  await notRepeatable(run, /\n {2}state\.n\n/);
});

test("forced re-delivery finds a handler that throws the second time", async () => {
  let calls = 0;
  const act = () => {
    calls += 1;
    if (calls === 2) throw new Error("already there");
    return 1;
  };
  await notRepeatable(redeliver(act), /the second time it threw: .*already there/);
});

test("forced re-delivery counts a message once", async () => {
  const counter = statefulFunction("demo/counter", { state: { n: value(types.int) } }).on(
    types.int,
    (ctx, by) => {
      ctx.state.n = (ctx.state.n ?? 0) + by;
    },
  );
  const subject = testFunction(counter, { redeliver: true });
  await subject.send(types.int, 2);
  await subject.send(types.int, 3);
  assert.equal(subject.state.n, 5);
});
