/** Requests to functions, as bytes: our SDK answers each, or refuses it with an error of its table. */
import assert from "node:assert/strict";
import { requestReplyHandler, SdkError, statefulFunction, types, value } from "@statefold/sdk";
import { io } from "@statefold/sdk/protocol";
import { decodeResponse } from "../../src/invoke/decode-response.ts";
import type { Attack } from "./attack.ts";
import { anyToFunction } from "./wire.ts";

const PARTS = ["demo", "x", "a", "io.statefold", "call"];

/** Answers whatever it gets, with an effect of every kind. */
const functions = PARTS.flatMap((namespace) =>
  PARTS.map((name) =>
    statefulFunction(`${namespace}/${name}`, {
      // Half of them have a state, which most requests lack.
      ...(namespace < "d" ? { state: { x: value(types.bytes) } } : {}),
    }).onAny((ctx, message) => {
      if ("x" in ctx.state) Object.assign(ctx.state, { x: message.bytes });
      ctx.reply(types.bytes, message.bytes);
      ctx.sendAfter(5, ctx.self, types.string, message.typename, { token: "t" });
      ctx.egress("demo/out", types.string, ctx.uuid());
    }),
  ),
);
const handler = requestReplyHandler(functions);

export const toFunctionAttack: Attack = {
  name: "to-function",
  strike: async (rng, show) => {
    const bytes = anyToFunction(rng, rng.pick([0, 0.03, 0.1, 0.5]));
    show(bytes);
    let answer: Uint8Array;
    try {
      answer = await handler.handle(bytes);
    } catch (error) {
      assert(error instanceof SdkError, `it threw ${String(error)}`);
      assert(error.message.length > 0, "it says nothing");
      return error.code;
    }
    // What it says is understood as it was meant, by both readers.
    io.statefun.sdk.reqreply.FromFunction.decode(answer);
    const outcome = decodeResponse(answer);
    assert(outcome.kind !== "failed", JSON.stringify(outcome));
    return outcome.kind;
  },
};
