import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import {
  DELAY_MAX_MS,
  decodeResponse,
  EFFECTS_MAX_COUNT,
} from "../../src/invoke/decode-response.ts";
import type { Effects, Outcome } from "../../src/model/invocation.ts";
import { wire } from "./invocations.ts";

const { FromFunction } = io.statefun.sdk.reqreply;
type Answer = Parameters<typeof FromFunction.encode>[0];
type Result = NonNullable<Answer["invocationResult"]>;

const NO_EFFECTS: Effects = { messages: [], delayed: [], egress: [], mutations: [] };

function decode(answer: Answer): Outcome {
  return decodeResponse(FromFunction.encode(answer).finish());
}

function effectsOf(result: Result): Effects {
  const outcome = decode({ invocationResult: result });
  assert(outcome.kind === "reply", JSON.stringify(outcome));
  return outcome.effects;
}

function reasonOf(outcome: Outcome): string {
  assert(outcome.kind === "failed", JSON.stringify(outcome));
  return outcome.reason;
}

test("no bytes at all, and neither member, are success without effects", () => {
  assert.deepEqual(decodeResponse(new Uint8Array(0)), { kind: "reply", effects: NO_EFFECTS });
  assert.deepEqual(decodeResponse(wire("d2 06 00")), { kind: "reply", effects: NO_EFFECTS });
});

test("the official SDK's request for a state is understood", () => {
  const golden = wire('aa 06 20 0a 1e 0a 05 "state" 1a 15 "io.statefun.types/int"');
  assert.deepEqual(decodeResponse(golden), {
    kind: "incomplete",
    missing: [
      {
        name: "state",
        typename: "io.statefun.types/int",
        expireMode: "never",
        expireAfterMs: 0,
      },
    ],
  });
});

test("the official SDK's changed state is understood", () => {
  const golden = wire(`
    a2 06 2d 0a 2b 08 01 12 05 "state"
      1a 20 0a 15 "io.statefun.types/int" 10 01 1a 05 0d 01 00 00 00
  `);
  const outcome = decodeResponse(golden);
  assert(outcome.kind === "reply");
  const [mutation] = outcome.effects.mutations;
  assert.equal(mutation?.name, "state");
  assert.equal(mutation?.value?.typename, "io.statefun.types/int");
  assert.equal(Buffer.from(mutation?.value?.value ?? []).toString("hex"), "0d01000000");
});

test("every kind of effect is handed on, each list in its order", () => {
  const target = { namespace: "demo", type: "payment", id: "ada" };
  const argument = { typename: "demo/T", hasValue: true, value: Uint8Array.of(0x76) };
  const value = { typename: "demo/T", hasValue: true, value: Uint8Array.of(0x76) };
  const effects = effectsOf({
    outgoingMessages: [
      { target, argument },
      { target: { ...target, id: "bob" }, argument },
    ],
    delayedInvocations: [
      { delayInMs: 1000, target, argument, cancellationToken: "tick" },
      { isCancellationRequest: true, cancellationToken: "tick" },
      { target, argument },
    ],
    outgoingEgresses: [{ egressNamespace: "demo", egressType: "audit", argument }],
    stateMutations: [
      { mutationType: 1, stateName: "plan", stateValue: argument },
      { mutationType: 0, stateName: "due" },
    ],
  });
  const address = { type: "demo/payment", id: "ada" };
  assert.deepEqual(effects, {
    messages: [
      { target: address, value },
      { target: { ...address, id: "bob" }, value },
    ],
    delayed: [
      { kind: "send", target: address, value, delayMs: 1000, token: "tick" },
      { kind: "cancel", token: "tick" },
      { kind: "send", target: address, value, delayMs: 0, token: "" },
    ],
    egress: [{ egress: "demo/audit", value }],
    mutations: [
      { name: "plan", value },
      { name: "due", value: undefined },
    ],
  });
});

test("long bytes of values are views of the answer, short ones do not keep it alive", () => {
  const sent = [Buffer.alloc(65, 1), Buffer.alloc(64, 2), Buffer.alloc(0)];
  const outgoingMessages = sent.map((value) => ({ argument: { value } }));
  const answer = FromFunction.encode({ invocationResult: { outgoingMessages } }).finish();
  const outcome = decodeResponse(answer);
  assert(outcome.kind === "reply");
  const values = outcome.effects.messages.map(({ value }) => value.value);
  assert.deepEqual(
    values.map((value) => Buffer.from(value)),
    sent,
  );
  assert.deepEqual(
    values.map((value) => value.buffer === answer.buffer),
    [true, false, false],
  );
});

test("a mutation without type deletes", () => {
  const { mutations } = effectsOf({ stateMutations: [{ stateName: "plan" }] });
  assert.deepEqual(mutations, [{ name: "plan", value: undefined }]);
});

test("a modification has a value whatever its has_value says, and a typename of its own when it has none", () => {
  const { mutations } = effectsOf({ stateMutations: [{ mutationType: 1, stateName: "plan" }] });
  const [mutation] = mutations;
  assert.equal(mutation?.value?.hasValue, true);
  assert.equal(mutation?.value?.typename, "io.statefun.types/unset");
  assert.equal(mutation?.value?.value.byteLength, 0);
});

test("metadata of a value is kept, whatever its keys are called", () => {
  const metadata = { source: Buffer.from("record"), ["__proto__"]: Buffer.from("x") };
  const { messages } = effectsOf({ outgoingMessages: [{ argument: { metadata } }] });
  assert.deepEqual(Object.keys(messages[0]?.value.metadata ?? {}), ["source", "__proto__"]);
});

test("an impossible address is handed on as it is", () => {
  const { messages } = effectsOf({
    outgoingMessages: [{}, { target: { namespace: "a/b", type: "", id: "" } }],
  });
  assert.deepEqual(
    messages.map((each) => each.target),
    [
      { type: "/", id: "" },
      { type: "a/b/", id: "" },
    ],
  );
});

test("a delay beyond any date is as long as a date can be", () => {
  const golden = wire("a2 06 0c 1a 0a 08 ff ff ff ff ff ff ff ff 7f");
  const outcome = decodeResponse(golden);
  assert(outcome.kind === "reply");
  const [delayed] = outcome.effects.delayed;
  assert(delayed?.kind === "send");
  assert.equal(delayed.delayMs, DELAY_MAX_MS);
});

test("expiry is read with its mode; absent and empty mean never", () => {
  const outcome = decode({
    incompleteInvocationContext: {
      missingValues: [
        { stateName: "a", typeTypename: "demo/T" },
        { stateName: "b", typeTypename: "demo/T", expirationSpec: {} },
        { stateName: "c", expirationSpec: { mode: 1, expireAfterMillis: 5000 } },
        { stateName: "d", expirationSpec: { mode: 2, expireAfterMillis: 2 ** 40 } },
        { stateName: "e", expirationSpec: { mode: 0, expireAfterMillis: 7 } },
      ],
    },
  });
  assert(outcome.kind === "incomplete");
  assert.deepEqual(
    outcome.missing.map(({ name, typename, expireMode, expireAfterMs }) => [
      ...[name, typename, expireMode, expireAfterMs],
    ]),
    [
      ["a", "demo/T", "never", 0],
      ["b", "demo/T", "never", 0],
      ["c", "io.statefun.types/unset", "afterWrite", 5000],
      ["d", "io.statefun.types/unset", "afterInvoke", 2 ** 40],
      ["e", "io.statefun.types/unset", "never", 0],
    ],
  );
});

const REFUSED: readonly (readonly [what: string, answer: Answer, reason: RegExp])[] = [
  [
    "a cancellation without token",
    { invocationResult: { delayedInvocations: [{ isCancellationRequest: true }] } },
    /cancellation token/,
  ],
  [
    "a negative delay",
    { invocationResult: { delayedInvocations: [{ delayInMs: -5 }] } },
    /negative delay -5 ms/,
  ],
  [
    "an expiration after no time",
    {
      incompleteInvocationContext: {
        missingValues: [{ stateName: "x", expirationSpec: { mode: 1 } }],
      },
    },
    /"x" would expire after 0 ms/,
  ],
  ["missing states that are none", { incompleteInvocationContext: {} }, /names none/],
];

for (const [what, answer, reason] of REFUSED) {
  test(`${what} fails the batch`, () => {
    assert.match(reasonOf(decode(answer)), reason);
  });
}

const GARBLED: readonly (readonly [what: string, bytes: string, reason: RegExp])[] = [
  [
    "a mutation of unknown type",
    'a2 06 0a 0a 08 08 07 12 04 "plan"',
    /"plan" has the unknown type 7/,
  ],
  [
    "an expiration of unknown mode",
    'aa 06 09 0a 07 0a 01 "x" 12 02 08 09',
    /"x" has the unknown expiration mode 9/,
  ],
  ["a length beyond the end", "a2 06 05 0a", /invocation_result ends before its time/],
  ["a length beyond any message", "a2 06 ff ff ff ff ff ff ff ff 7f", /longer than a message/],
  ["a member that is a number", "a0 06 01", /should be a length-delimited, it is a varint/],
  ["a name that is a number", "a2 06 04 0a 02 10 01", /state name should be a length-delimited/],
  ["a number without end", "a2 06 0e 1a 0c 08 ff ff ff ff ff ff ff ff ff ff 01", /ten bytes/],
  ["field number 0", "02 00", /field number 0/],
  ["a group", "d3 06", /wire type 3/],
  ["text that is no UTF-8", "a2 06 06 12 04 0a 02 0a ff", /namespace ends before/],
  ["an id that is no UTF-8", "a2 06 07 12 05 0a 03 1a 01 ff", /id is not UTF-8/],
  ["a message that reaches out of its frame", "a2 06 02 12 03 0a 01 00", /ends before its time/],
];

for (const [what, bytes, reason] of GARBLED) {
  test(`${what} fails the batch`, () => {
    assert.match(reasonOf(decodeResponse(wire(bytes))), reason);
  });
}

test("the replacement character itself is text like any other", () => {
  const { messages } = effectsOf({ outgoingMessages: [{ target: { id: "a\ufffdb" } }] });
  assert.equal(messages[0]?.target.id, "a\ufffdb");
});

test("unknown fields of every wire type are stepped over", () => {
  const unknown = "d8 3e 05 d9 3e 01 02 03 04 05 06 07 08 da 3e 02 aa bb dd 3e 01 02 03 04";
  const outcome = decodeResponse(wire(`${unknown} a2 06 18 ${unknown} ${unknown.slice(-2)}`));
  assert.equal(outcome.kind, "failed");
  const size = wire(unknown).byteLength.toString(16).padStart(2, "0");
  assert.deepEqual(decodeResponse(wire(`${unknown} a2 06 ${size} ${unknown}`)), {
    kind: "reply",
    effects: NO_EFFECTS,
  });
});

test("of two members the last counts, and a member that comes twice is merged", () => {
  const one = FromFunction.encode({
    invocationResult: { outgoingEgresses: [{ egressNamespace: "a", egressType: "b" }] },
  }).finish();
  const missing = FromFunction.encode({
    incompleteInvocationContext: { missingValues: [{ stateName: "x" }] },
  }).finish();
  const twice = decodeResponse(Buffer.concat([one, one]));
  assert(twice.kind === "reply");
  assert.equal(twice.effects.egress.length, 2);
  assert.equal(decodeResponse(Buffer.concat([one, missing])).kind, "incomplete");
  const last = decodeResponse(Buffer.concat([missing, one]));
  assert(last.kind === "reply");
  assert.equal(last.effects.egress.length, 1);
});

test("an answer of countless empty effects is refused", () => {
  const count = EFFECTS_MAX_COUNT + 1;
  const body = Buffer.alloc(2 * count);
  for (let at = 0; at < body.byteLength; at += 2) body[at] = 0x12;
  const head = FromFunction.encode({ invocationResult: {} }).finish().subarray(0, 2);
  const length = [];
  for (let rest = body.byteLength; rest > 0; rest >>>= 7) {
    length.push((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
  }
  const outcome = decodeResponse(Buffer.concat([head, Buffer.from(length), body]));
  assert.match(reasonOf(outcome), /more than 100000 effects/);
});

test("an answer cut off or damaged anywhere ends as an outcome", () => {
  const argument = { typename: "demo/T", hasValue: true, value: Buffer.alloc(200, 1) };
  const target = { namespace: "demo", type: "f", id: "äda" };
  const whole = FromFunction.encode({
    invocationResult: {
      stateMutations: [{ mutationType: 1, stateName: "plan", stateValue: argument }],
      outgoingMessages: [{ target, argument: { ...argument, metadata: { a: Buffer.from("b") } } }],
      delayedInvocations: [{ delayInMs: 5, target, argument, cancellationToken: "t" }],
      outgoingEgresses: [{ egressNamespace: "a", egressType: "b", argument }],
    },
  }).finish();
  for (let end = 1; end < whole.byteLength; end++) {
    assert.equal(decodeResponse(whole.subarray(0, end)).kind, "failed");
  }
  for (let at = 0; at < whole.byteLength; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      assert(["failed", "reply", "incomplete"].includes(decodeResponse(damaged).kind));
    }
  }
});

test("a part that comes twice where there is one is refused, not half believed", () => {
  const target = Buffer.of(0x0a, 3, 0x0a, 1, 0x61); // namespace "a"
  const more = Buffer.of(0x0a, 3, 0x1a, 1, 0x62); // id "b", to be merged into the same target
  const message = Buffer.concat([Buffer.of(0x12, 10), target, more]);
  const outcome = decodeResponse(Buffer.concat([Buffer.of(0xa2, 0x06, 12), message]));
  assert.match(reasonOf(outcome), /a message's target is there twice/);
});
