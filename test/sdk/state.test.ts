import assert from "node:assert/strict";
import { test } from "node:test";
import { SdkError, statefulFunction, types, type ValueType, value } from "@statefold/sdk";
import { empty, message, resultOf, stored } from "./wire.ts";

const Plan = types.json<{ user: string; tags: string[] }>("demo/Plan");

/** A JSON type that counts how often it is read and written. */
function counted(): { type: ValueType<{ n: number }>; reads: number; writes: number } {
  const json = types.json<{ n: number }>("demo/counted");
  const counts = { reads: 0, writes: 0 };
  const type = types.custom<{ n: number }>("demo/counted", {
    serialize(written) {
      counts.writes += 1;
      return json.serialize(written);
    },
    deserialize(bytes) {
      counts.reads += 1;
      return json.deserialize(bytes);
    },
  });
  return Object.assign(counts, { type });
}

const ticks = (count: number) => Array.from({ length: count }, () => message(types.string, "tick"));

test("a state is read once and written once for a whole batch", async () => {
  const counter = counted();
  const fn = statefulFunction("demo/fn", { state: { s: value(counter.type) } }).on(
    types.string,
    (ctx) => {
      ctx.state.s = { n: (ctx.state.s?.n ?? 0) + 1 };
    },
  );
  const state = [stored("s", counter.type, { n: 1 })];
  counter.writes = 0;
  const result = await resultOf([fn], { type: "demo/fn", state, messages: ticks(5) });
  assert.deepEqual([counter.reads, counter.writes], [1, 1]);
  const written = result.stateMutations?.[0]?.stateValue?.value ?? new Uint8Array(0);
  assert.deepEqual(counter.type.deserialize(written), { n: 6 });
});

test("a state nobody looks at is neither read nor written", async () => {
  const counter = counted();
  const fn = statefulFunction("demo/fn", { state: { s: value(counter.type) } }).on(
    types.string,
    () => undefined,
  );
  const state = [stored("s", counter.type, { n: 1 })];
  const result = await resultOf([fn], { type: "demo/fn", state, messages: ticks(2) });
  assert.equal(counter.reads, 0);
  assert.equal(result.stateMutations?.length ?? 0, 0);
});

test("an assignment that changes nothing is not written back, unless it prolongs a life", async () => {
  const fn = statefulFunction("demo/fn", {
    state: {
      plain: value(types.int),
      expiring: value(types.int, { expireAfterWrite: "1 min" }),
      absent: value(types.int),
    },
  }).on(types.string, (ctx) => {
    ctx.state.plain = 7;
    ctx.state.expiring = 7;
    ctx.state.absent = undefined;
  });
  const state = [stored("plain", types.int, 7), stored("expiring", types.int, 7), empty("absent")];
  const result = await resultOf([fn], { type: "demo/fn", state, messages: ticks(1) });
  assert.deepEqual(
    result.stateMutations?.map(({ stateName }) => stateName),
    ["expiring"],
  );
});

test("undefined deletes, and a value assigned after it stays", async () => {
  const fn = statefulFunction("demo/fn", {
    state: { a: value(types.int), b: value(types.int) },
  }).on(types.string, (ctx) => {
    ctx.state.a = undefined;
    assert.equal(ctx.state.a, undefined);
    ctx.state.b = undefined;
    ctx.state.b = 3;
  });
  const state = [stored("a", types.int, 1), stored("b", types.int, 2)];
  const result = await resultOf([fn], { type: "demo/fn", state, messages: ticks(1) });
  assert.deepEqual(
    result.stateMutations?.map(({ stateName, mutationType }) => [stateName, mutationType ?? 0]),
    [
      ["a", 0],
      ["b", 1],
    ],
  );
});

test("JSON in a state cannot be changed in place, read or assigned", async () => {
  const plan = { user: "ada", tags: ["new"] };
  const fn = statefulFunction("demo/fn", { state: { plan: value(Plan) } }).on(
    types.string,
    (ctx, text) => {
      if (text === "assign") ctx.state.plan = { ...plan, tags: ["own"] };
      ctx.state.plan?.tags.push("lost");
    },
  );
  for (const text of ["read", "assign"]) {
    const batch = {
      type: "demo/fn",
      state: [stored("plan", Plan, plan)],
      messages: [message(types.string, text)],
    };
    await assert.rejects(resultOf([fn], batch), /TypeError: .*object is not extensible/);
  }
});

test("a state that was not declared cannot be assigned", async () => {
  const fn = statefulFunction("demo/fn", { state: { plan: value(Plan) } }).on(
    types.string,
    (ctx) => {
      Object.assign(ctx.state, { plam: 1 });
    },
  );
  const batch = { type: "demo/fn", state: [empty("plan")], messages: ticks(1) };
  await assert.rejects(resultOf([fn], batch), /plam/);
});

test("the states of an address can be listed", async () => {
  let names: string[] = [];
  const fn = statefulFunction("demo/fn", {
    state: { one: value(types.int), two: value(types.int) },
  }).on(types.string, (ctx) => {
    names = [];
    for (const name in ctx.state) names.push(name);
  });
  const state = [empty("one"), empty("two")];
  await resultOf([fn], { type: "demo/fn", state, messages: ticks(1) });
  assert.deepEqual(names, ["one", "two"]);
});

test("a state declared wrongly is refused when it is declared", () => {
  const refused = (declare: () => unknown, text: RegExp) =>
    assert.throws(declare, (error) => {
      assert(error instanceof SdkError);
      assert.equal(error.code, "DEFINITION_INVALID");
      assert.match(error.message, text);
      return true;
    });
  refused(() => value(types.int, { expireAfterWrite: "soon" }), /"soon" is no lifetime/);
  refused(() => value(types.int, { expireAfterCall: 0 }), /0 is no lifetime/);
  refused(
    () => value(types.int, { expireAfterCall: 1, expireAfterWrite: 1 } as never),
    /choose one/,
  );
  const state = { "two words": value(types.int) };
  refused(() => statefulFunction("demo/fn", { state }), /"two words" is no name of a state/);
  refused(() => statefulFunction("demo/fn", { state: { a: types.int as never } }), /write value/);
  const lax = types.json("a/b/c");
  refused(() => statefulFunction("demo/fn", { state: { a: value(lax) } }), /exactly one/);
});
