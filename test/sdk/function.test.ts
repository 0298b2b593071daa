import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  address,
  type Context,
  isStatefulFunction,
  SDK_ERRORS,
  SdkError,
  type StateOf,
  statefulFunction,
  type TypeOf,
  types,
  value,
} from "@statefold/sdk";
import { empty, exchange, message } from "./wire.ts";

/** Compiles only when the two types are the same; the test is the compiler's. */
type Same<A, B> =
  (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const Plan = types.json<{ user: string; periodMs: number }>("demo/Plan");
const Node = types.protobuf("demo/Node", {
  encode: (node: { name: string }) => ({ finish: () => types.string.serialize(node.name) }),
  decode: (bytes) => ({ name: types.string.deserialize(bytes) }),
});

test("types flow from declarations to handlers without annotations", () => {
  const state = {
    plan: value(Plan),
    count: value(types.int),
    due: value(types.long, { expireAfterWrite: "400d" }),
    paid: value(types.longAsNumber),
  };
  const fn = statefulFunction("demo/typed", { state })
    .on(Plan, (ctx, plan) => {
      same<typeof plan, { user: string; periodMs: number }>(true);
      same<typeof ctx.state.plan, { user: string; periodMs: number } | undefined>(true);
      same<typeof ctx.state.count, number | undefined>(true);
      same<typeof ctx.state.due, number | bigint | undefined>(true);
      same<typeof ctx.state.paid, number | undefined>(true);
      ctx.state.plan = { ...plan, user: "x" };
      ctx.state.plan = undefined;
      // @ts-expect-error a state takes values of its type only
      ctx.state.count = "seven";
      // @ts-expect-error a state must be declared
      ctx.state.plam = plan;
      // @ts-expect-error a message takes values of its type only
      ctx.send(ctx.self, Plan, { user: 1 });
    })
    .on(types.long, (_, long) => same<typeof long, number | bigint>(true))
    .on(types.bytes, (_, bytes) => same<typeof bytes, Uint8Array>(true))
    .on(types.boolean, async (_, flag) => same<typeof flag, boolean>(true))
    .on(Node, (_, node) => same<typeof node, { name: string }>(true));
  same<StateOf<typeof state>["plan"], { user: string; periodMs: number } | undefined>(true);
  same<TypeOf<typeof Plan>, { user: string; periodMs: number }>(true);
  assert(isStatefulFunction(fn));
});

test("a handler may be written apart, with the context's type by name", () => {
  const state = { count: value(types.int) };
  function increment(ctx: Context<typeof state>, by: number): void {
    ctx.state.count = (ctx.state.count ?? 0) + by;
    log(ctx, "incremented");
  }
  function log(ctx: Context, text: string): void {
    ctx.egress("demo/log", types.string, text);
  }
  assert.doesNotThrow(() => statefulFunction("demo/apart", { state }).on(types.int, increment));
});

test("functions may name each other, and themselves", () => {
  const ping = statefulFunction("demo/ping").on(types.int, (ctx, n) => {
    ctx.send(pong.at(ctx.self.id), types.int, n);
  });
  const pong = statefulFunction("demo/pong").on(types.int, (ctx, n) => {
    ctx.send(ping.at(ctx.self.id), types.int, n);
    ctx.send(pong.at("other"), types.int, n);
  });
  assert.deepEqual(pong.at("x"), { type: "demo/pong", id: "x" });
  assert.deepEqual(address("demo/pong", "x"), pong.at("x"));
});

test("a second handler of one type name is refused", () => {
  const fn = statefulFunction("demo/fn").on(types.long, () => undefined);
  const twice = (declare: () => unknown, text: RegExp) =>
    assert.throws(declare, (error) => {
      assert(error instanceof SdkError);
      assert.equal(error.code, "DEFINITION_DUPLICATE");
      assert.match(error.message, text);
      return true;
    });
  twice(
    () => fn.on(types.longAsNumber, () => undefined),
    /demo\/fn already has a handler of io\.statefun\.types\/long/,
  );
  const open = statefulFunction("demo/open").onAny(() => undefined);
  twice(() => open.onAny(() => undefined), /demo\/open already has a handler of any/);
});

test("a function needs a type name, its instances an id", () => {
  for (const name of ["demo", "/fn", "demo/", "a/b/c", ""]) {
    assert.throws(() => statefulFunction(name), /is no function type: write "<namespace>\/<name>"/);
  }
  assert.throws(() => statefulFunction("demo/fn").at(""), /not empty/);
  assert.throws(() => address("demo", "x"), /no function type/);
});

test("what is no handler is refused when it is declared", () => {
  const fn = statefulFunction("demo/fn");
  assert.throws(
    () => fn.on(types.int, undefined as never),
    /io\.statefun\.types\/int is undefined/,
  );
});

test("any message that no other handler takes goes to the one of any", async () => {
  const seen: unknown[] = [];
  const fn = statefulFunction("demo/open")
    .on(types.int, (_, n) => seen.push(n))
    .onAny((_, incoming) => {
      const text = incoming.is(types.string) ? incoming.as(types.string) : undefined;
      seen.push([incoming.typename, incoming.hasValue, incoming.bytes.length, text]);
    });
  await exchange([fn], {
    type: "demo/open",
    state: [empty("any")],
    messages: [
      message(types.int, 5),
      message(types.string, "abc"),
      message(types.bytes, Uint8Array.of(1)),
      { argument: { typename: "demo/None", hasValue: false } },
      {},
    ],
  });
  assert.deepEqual(seen, [
    5,
    ["io.statefun.types/string", true, 5, "abc"],
    ["io.statefun.types/bytes", true, 1, undefined],
    ["demo/None", false, 0, undefined],
    ["", false, 0, undefined],
  ]);
});

test("reading a message as another type is named", async () => {
  const fn = statefulFunction("demo/open").onAny((_, incoming) => incoming.as(types.string));
  const batch = { type: "demo/open", messages: [message(types.int, 5)] };
  await assert.rejects(exchange([fn], batch), /it is no io\.statefun\.types\/string/);
});

test("every error code has a status, says what it means, and is in the guide", () => {
  const guide = readFileSync("docs/sdk.md", "utf8");
  for (const [code, { status, summary }] of Object.entries(SDK_ERRORS)) {
    assert(status >= 400 && status < 600, code);
    assert.match(summary, /^[A-Z].*\.$/);
    assert(guide.includes(code), `docs/sdk.md does not mention ${code}`);
    assert.equal(new SdkError(code as keyof typeof SDK_ERRORS, "x").status, status);
  }
});
