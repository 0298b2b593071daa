import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { serve, statefulFunction, types, value } from "@statefold/sdk";
import { io } from "@statefold/sdk/protocol";
import { type Deferred, deferred } from "../../src/base/deferred.ts";
import type { Invoker } from "../../src/invoke/contract.ts";
import type { Effects, Invocation, Outcome } from "../../src/model/invocation.ts";
import { aMessage, anInvocation } from "../invoke/invocations.ts";
import { told } from "../invoke/servers.ts";
import { outcomeOf } from "../support/outcomes.ts";
import { until } from "../support/until.ts";

const { IntWrapper, StringWrapper } = io.statefun.sdk.types;
const { ToFunction } = io.statefun.sdk.reqreply;
const INT = "io.statefun.types/int";

export interface InvokerOptions {
  /** Default 60 s. */
  readonly callMs?: number;
  /** Default 64. */
  readonly concurrency?: number;
}

/** What a server of our SDK and an invoker of it must do together, whatever the transport. */
export function invokerContract(
  name: string,
  open: (t: TestContext, url: string, options: InvokerOptions) => Promise<Invoker>,
): void {
  const check = (
    title: string,
    body: (on: Functions) => Promise<void>,
    options: InvokerOptions = {},
  ): void => {
    void test(`${name}: ${title}`, async (t) => {
      const functions = new Functions();
      const server = await serve(functions.all, { port: 0, onError: () => {} });
      t.after(() => server.close());
      functions.invoker = await open(t, server.url, options);
      t.after(() => functions.release());
      await body(functions);
    });
  };

  check("an answer brings the effects of its own address", async (on) => {
    const ids = Array.from({ length: 50 }, (_, i) => `id-${i}`);
    const outcomes = await Promise.all(ids.map((id, i) => on.call("count", id, i)));
    for (const [i, outcome] of outcomes.entries()) {
      const { mutations, messages } = effectsOf(outcome);
      assert.deepEqual(
        messages.map(({ target }) => target),
        [{ type: "demo/caller", id: `id-${i}` }],
      );
      assert.equal(countIn(mutations[0]?.value?.value), i + 1);
    }
  });

  check("states that are missing are asked for", async (on) => {
    const outcome = await on.call("count", "ada", undefined);
    assert(outcome.kind === "incomplete");
    assert.deepEqual(
      outcome.missing.map(({ name }) => name),
      ["count"],
    );
  });

  check("one bad address fails alone, in the function's own words", async (on) => {
    const outcomes = await Promise.all([
      on.call("count", "ada", 1),
      on.call("fail", "bob", 1),
      on.call("count", "eve", 1, "demo/nobody"),
      on.call("count", "joe", 1),
    ]);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ["reply", "failed", "failed", "reply"],
    );
    assert.match(told(outcomes[1] as Outcome), /answered 500: HANDLER_FAILED: .*"bob".* as asked$/);
    assert.match(told(outcomes[2] as Outcome), /answered 404: FUNCTION_UNKNOWN: .*demo\/nobody/);
  });

  check("a batch that has no effects is a reply without any", async (on) => {
    assert.deepEqual(effectsOf(await on.call("nothing", "ada", 1)), {
      ...{ messages: [], delayed: [], egress: [], mutations: [] },
    });
  });

  check("a call that hangs holds no other back", async (on) => {
    const hanging = on.call("hang", "ada", 1);
    await until("it to hang", () => on.hanging.size === 1);
    for (let i = 0; i < 5; i++) {
      const outcomes = await Promise.all([on.call("count", "bob", 1), on.call("count", "eve", 1)]);
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ["reply", "reply"],
      );
    }
    on.release();
    assert.equal((await hanging).kind, "reply");
  });

  check(
    "many calls that hang, in requests of their own and together, hold no other back",
    async (on) => {
      const hanging = Array.from({ length: 12 }, (_, i) => on.call("hang", `h-${i}`, 1));
      await until("them to hang", () => on.hanging.size === 12);
      assert.equal((await on.call("count", "bob", 1)).kind, "reply");
      on.release();
      for (const each of hanging) assert.equal((await each).kind, "reply");
    },
  );

  check(
    "a call that takes too long is tried later, the others of its time are answered",
    async (on) => {
      const [slow, quick] = await Promise.all([
        on.call("hang", "ada", 1),
        on.call("count", "bob", 1),
      ]);
      assert.match(told(slow), /^retryLater: .*no complete answer within 1000 ms$/);
      assert.equal(quick.kind, "reply");
    },
    { callMs: 1_000 },
  );

  check("a call that is given up is over, and what shares its way goes on", async (on) => {
    const abort = new AbortController();
    const given = on.call("hang", "ada", 1, undefined, abort.signal);
    const kept = on.call("hang", "bob", 1);
    await until("both to hang", () => on.hanging.size === 2);
    abort.abort();
    assert.match(told(await given), /^retryLater: .*cancelled/);
    on.release();
    assert.equal((await kept).kind, "reply");
  });

  check(
    "no more calls of a type are in flight than may be",
    async (on) => {
      const calls = Array.from({ length: 6 }, (_, i) => on.call("hang", `id-${i}`, 1));
      await until("two to hang", () => on.hanging.size === 2);
      for (let left = 6; left > 0; left -= 2) {
        await until("the next two", () => on.hanging.size === Math.min(2, left));
        on.release();
      }
      for (const each of calls) assert.equal((await each).kind, "reply");
      assert.equal(on.most, 2);
    },
    { concurrency: 2 },
  );

  check("closing ends what is in flight and what waits", async (on) => {
    const calls = [on.call("hang", "ada", 1), on.call("hang", "bob", 1)];
    await until("them to hang", () => on.hanging.size === 2);
    await on.invoker.close();
    for (const each of calls) assert.equal((await each).kind, "retryLater");
    assert.equal((await on.call("count", "ada", 1)).kind, "retryLater");
  });
}

/** The functions of these tests, and calls of them. */
class Functions {
  invoker: Invoker = {
    invoke: () => assert.fail("none"),
    isOnFrames: false,
    close: async () => {},
  };
  readonly hanging = new Set<Deferred<void>>();
  /** That hung at once, at most. */
  most = 0;

  get all() {
    const worker = statefulFunction("demo/worker", { state: { count: value(types.int) } }).on(
      types.string,
      (ctx, text) => {
        if (text === "fail") throw new Error("as asked");
        if (text === "nothing") return undefined;
        ctx.state.count = (ctx.state.count ?? 0) + 1;
        ctx.reply(types.int, ctx.state.count);
        return text === "hang" ? this.#hang() : undefined;
      },
    );
    return [worker];
  }

  call(
    text: string,
    id: string,
    count: number | undefined,
    type = "demo/worker",
    signal = new AbortController().signal,
  ): Promise<Outcome> {
    const target = { type, id };
    const argument = StringWrapper.encode({ value: text }).finish();
    const typename = "io.statefun.types/string";
    const invocation: Invocation = anInvocation({
      target,
      state: count === undefined ? [] : [stateOf(count)],
      messages: [
        aMessage({
          ...{ target, caller: { type: "demo/caller", id } },
          value: { typename, hasValue: true, value: argument },
        }),
      ],
    });
    return outcomeOf(this.invoker, invocation, signal);
  }

  /** What hangs goes on. */
  release(): void {
    for (const each of this.hanging) each.resolve();
    this.hanging.clear();
  }

  #hang(): Promise<void> {
    const hanging = deferred<void>();
    this.hanging.add(hanging);
    this.most = Math.max(this.most, this.hanging.size);
    return hanging.promise;
  }
}

function stateOf(count: number): Buffer {
  const bytes = IntWrapper.encode({ value: count }).finish();
  const stateValue = { typename: INT, hasValue: true, value: bytes };
  const entry = ToFunction.PersistedValue.encode({ stateName: "count", stateValue }).finish();
  return Buffer.concat([Buffer.from([0x12, entry.byteLength]), entry]);
}

function countIn(bytes: Uint8Array | undefined): number {
  return IntWrapper.decode(bytes ?? Buffer.alloc(0)).value;
}

function effectsOf(outcome: Outcome): Effects {
  assert(outcome.kind === "reply", told(outcome));
  return outcome.effects;
}
