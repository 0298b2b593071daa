import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import { EMPTY_BYTES, utf8 } from "../../src/base/bytes.ts";
import { encodeRequest } from "../../src/invoke/encode-request.ts";
import { aMessage, anInvocation, wire } from "./invocations.ts";

const { ToFunction } = io.statefun.sdk.reqreply;

function decoded(request: Uint8Array) {
  const { invocation } = ToFunction.decode(request);
  assert(invocation?.invocations);
  return { ...invocation, invocations: invocation.invocations };
}

test("a request is, byte for byte, what the protocol says", () => {
  const request = encodeRequest(
    anInvocation({
      target: { type: "statefun.smoke.e2e/command-interpreter-fn", id: "7" },
      state: [wire('12 07 0a 05 "state"')],
      messages: [
        aMessage({
          caller: { type: "demo/a", id: "b" },
          value: { typename: "demo/T", hasValue: true, value: wire("0d 01 00 00 00") },
          id: "m",
          acceptedAtMs: 300,
        }),
      ],
      attempt: 2,
    }),
  );
  const golden = wire(
    `
    a2 06 68
      0a 2f 0a 12 "statefun.smoke.e2e" 12 16 "command-interpreter-fn" 1a 01 "7" -- target
      12 07 0a 05 "state"                                                     -- state, as it was given
      1a 2c
        0a 0c 0a 04 "demo" 12 01 "a" 1a 01 "b"
        12 11 0a 06 "demo/T" 10 01 1a 05 0d 01 00 00 00
        c2 3e 01 "m"
        c8 3e ac 02
        d0 3e 02
  `.replaceAll(/--.*/g, ""),
  );
  assert.equal(request.toString("hex"), golden.toString("hex"));
});

test("a message from outside has no caller, and a value that is none says so", () => {
  const value = { typename: "demo/T", hasValue: false, value: EMPTY_BYTES };
  const { invocations } = decoded(encodeRequest(anInvocation({ messages: [aMessage({ value })] })));
  assert.equal(invocations[0]?.caller, null);
  assert.equal(invocations[0]?.argument?.hasValue, false);
});

test("a present value of no bytes is present", () => {
  const value = { typename: "demo/T", hasValue: true, value: EMPTY_BYTES };
  const { invocations } = decoded(encodeRequest(anInvocation({ messages: [aMessage({ value })] })));
  assert.equal(invocations[0]?.argument?.hasValue, true);
  assert.equal(invocations[0]?.argument?.value?.length, 0);
});

test("everything a message carries arrives, in order", () => {
  const messages = [1, 2, 3].map((n) =>
    aMessage({
      id: `message ${n}`,
      caller: { type: "demo/caller", id: `käller ${n}` },
      value: {
        typename: "demo/T",
        hasValue: true,
        value: utf8(`value ${n}`),
        metadata: { source: utf8(`record ${n}`), other: EMPTY_BYTES },
      },
      traceparent: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b${n}-01`,
      headers: [
        { key: "first", value: utf8(`${n}`) },
        { key: "first", value: utf8("again") },
      ],
    }),
  );
  const state = [wire('12 07 0a 05 "state"'), wire('12 05 0a 03 "due"')];
  const request = decoded(encodeRequest(anInvocation({ messages, state, attempt: 3 })));

  assert.deepEqual(
    request.state?.map((entry) => entry.stateName),
    ["state", "due"],
  );
  assert.equal(request.state?.[0]?.stateValue, null);
  assert.equal(request.target?.namespace, "demo");
  assert.equal(request.invocations.length, 3);
  for (const [at, found] of request.invocations.entries()) {
    const n = at + 1;
    assert.equal(found.messageId, `message ${n}`);
    assert.equal(found.caller?.id, `käller ${n}`);
    assert.equal(Buffer.from(found.argument?.value ?? []).toString(), `value ${n}`);
    assert.deepEqual(Object.keys(found.argument?.metadata ?? {}), ["source", "other"]);
    assert.equal(String(found.acceptedAtMs), "1700000000000");
    assert.equal(found.attempt, 3);
    assert.equal(found.traceparent, messages[at]?.traceparent);
    assert.deepEqual(
      found.headers?.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()]),
      [
        ["first", `${n}`],
        ["first", "again"],
      ],
    );
  }
});

test("text of every length and script comes out as it went in", () => {
  for (const piece of ["a", "ä", "語", "🙂", "\u0000"]) {
    for (const count of [1, 39, 40, 41, 127, 128, 5000, 20_000]) {
      const id = piece.repeat(count);
      const request = decoded(encodeRequest(anInvocation({ target: { type: "demo/f", id } })));
      assert.equal(request.target?.id, id);
    }
  }
});

test("a lone surrogate becomes the replacement character and spoils nothing around it", () => {
  const target = { type: "demo/f", id: "a\ud800b" };
  assert.equal(decoded(encodeRequest(anInvocation({ target }))).target?.id, "a\ufffdb");
});

test("whole numbers of every size are written as they are", () => {
  for (let power = 0; power <= 53; power++) {
    for (const acceptedAtMs of [2 ** power - 1, 2 ** power].filter(Number.isSafeInteger)) {
      const messages = [aMessage({ acceptedAtMs })];
      const { invocations } = decoded(encodeRequest(anInvocation({ messages })));
      assert.equal(String(invocations[0]?.acceptedAtMs), String(acceptedAtMs));
    }
  }
});

test("a large request does not disturb the ones after it", () => {
  const large = Buffer.alloc(3_000_000, 7);
  const messages = [1, 2].map(() =>
    aMessage({ value: { typename: "demo/T", hasValue: true, value: large } }),
  );
  const small = encodeRequest(anInvocation());
  const request = encodeRequest(anInvocation({ messages }));
  assert.deepEqual(encodeRequest(anInvocation()), small);
  const values = decoded(request).invocations.map((each) => each.argument?.value ?? []);
  assert.deepEqual(
    values.map((value) => large.equals(Buffer.from(value))),
    [true, true],
  );
});
