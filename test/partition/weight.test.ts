import assert from "node:assert/strict";
import { test } from "node:test";
import { messageBytes } from "../../src/model/message.ts";
import { Weight } from "../../src/partition/weight.ts";
import { at, message, value } from "./harness.ts";

const routed = (text: string) => ({
  ...{ target: at("a"), value: value(text), headers: [], traceparent: undefined },
});

test("whatever brings messages weighs what its messages will, everything else nothing", () => {
  const weight = new Weight();
  const outside = { idempotencyKey: undefined, ...routed("12345") };
  weight.add({ kind: "send", request: 1, delayMs: 0, ...outside });
  weight.add({ kind: "call", request: 2, ...outside });
  weight.add({
    ...{ kind: "channel", from: 1, first: 1, since: 1, barrier: 0 },
    messages: [message("m1", at("a"), "12345"), message("m2", at("a"), "12345")],
  });
  const records = [
    { position: 0, messages: [routed("12345"), routed("12345")] },
    { position: 1, messages: [] },
  ];
  weight.add({ kind: "source", source: "s/0", first: 0, next: 2, records });
  weight.add({ kind: "fetch", request: 3, callId: "x" });
  weight.add({ kind: "committed", epoch: 1 });
  assert.equal(weight.messages, 6);
  assert.equal(weight.bytes, 6 * messageBytes(message("m", at("a"), "12345")));
  weight.clear();
  assert.deepEqual([weight.messages, weight.bytes], [0, 0]);
});
