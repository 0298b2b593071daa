import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import { decodeFrame } from "../../src/invoke/decode-frame.ts";
import { encodeRequest, encodeRequests } from "../../src/invoke/encode-request.ts";
import { FramesReader } from "../../src/invoke/frames-reader.ts";
import { createRng } from "../support/rng.ts";
import { anInvocation, wire } from "./invocations.ts";
import { told } from "./servers.ts";

const { FromFunction, FromFunctions, ToFunction, ToFunctions } = io.statefun.sdk.reqreply;

function readAll(pieces: readonly Buffer[], maxBytes = 1_000): string[] {
  const reader = new FramesReader(maxBytes);
  const frames: string[] = [];
  for (const piece of pieces) reader.push(piece, (frame) => frames.push(frame.toString()));
  return frames;
}

test("a body is taken apart wherever it is cut", () => {
  const rng = createRng(1);
  const names = Array.from({ length: 40 }, (_, i) => `${i}`.repeat(1 + rng.int(i < 20 ? 3 : 90)));
  const entries = names.map((name) =>
    Buffer.concat([Buffer.from([0x0a]), lengthOf(name.length), Buffer.from(name)]),
  );
  // Fields of later versions, of every wire type, between them.
  const unknown = wire('10 96 01 19 0000000000000000 25 00000000 1a 02 "hi"');
  const body = Buffer.concat(entries.flatMap((entry) => [entry, unknown]));
  assert.deepEqual(readAll([body]), names);
  for (let round = 0; round < 50; round++) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < body.byteLength; ) {
      const end = at + 1 + rng.int(rng.pick([1, 5, 300]));
      pieces.push(body.subarray(at, end));
      at = end;
    }
    assert.deepEqual(readAll(pieces), names);
  }
});

function lengthOf(length: number): Buffer {
  return Buffer.from(length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]);
}

for (const [what, body] of [
  ["a field number 0", wire("02 00")],
  ["a group", wire("0b")],
  ["a length of eleven bytes", wire("0a ffffffffffffffffffff 01")],
  ["a frame that is too large", wire("0a e907")],
  ["a length beyond all bounds", wire("0a ffffffffffffffff 7f")],
] as const) {
  test(`${what} ends a body, behind the frames before it`, () => {
    const reader = new FramesReader(1_000);
    const frames: string[] = [];
    const whole = Buffer.concat([wire('0a 02 "ok"'), body]);
    assert.throws(() => reader.push(whole, (frame) => frames.push(frame.toString())), {
      name: "WireError",
    });
    assert.deepEqual(frames, ["ok"]);
  });
}

test("a small frame does not keep a large piece alive", () => {
  const piece = Buffer.concat([wire('0a 02 "ok" 0a a09c01'), Buffer.alloc(20_000)]);
  const sizes: number[] = [];
  new FramesReader(100_000).push(piece, (frame) => sizes.push(frame.buffer.byteLength));
  assert.equal(sizes.length, 2);
  assert((sizes[0] ?? 0) < 20_000, "the whole piece is kept for two bytes");
});

test("requests of many calls equal what the generated code writes", () => {
  const invocations = ["ada", "bob"].map((id) =>
    anInvocation({ target: { type: "demo/greeter", id } }),
  );
  const calls = invocations.map((each, i) => ({
    ...ToFunction.decode(encodeRequest(each)),
    frame: i + 1,
  }));
  const decoded = ToFunctions.decode(encodeRequests(invocations)).calls;
  assert.deepEqual(JSON.parse(JSON.stringify(decoded)), JSON.parse(JSON.stringify(calls)));
});

test("a call's answer is told by its frame, wherever that stands", () => {
  const [entry] = FromFunctions.decode(
    FromFunctions.encode({ answers: [{ frame: 7, incompleteInvocationContext: {} }] }).finish(),
  ).answers;
  const last = FromFunction.encode(entry ?? {}).finish();
  assert.equal(decodeFrame(last, "test").frame, 7);
  assert.equal(decodeFrame(wire("c0 3e 07"), "test").frame, 7);
  assert.throws(() => decodeFrame(wire(""), "test"), { name: "WireError" });
  assert.throws(() => decodeFrame(wire("c0 3e 00"), "test"), { name: "WireError" });
});

test("a failure means what its status would mean in an ordinary answer", () => {
  const of = (status: number, code = "", message = "") => {
    const bytes = FromFunction.encode({ frame: 1, failure: { status, code, message } }).finish();
    return told(decodeFrame(bytes, "test").outcome);
  };
  assert.equal(of(503, "OVERLOADED", "later"), "retryLater: test answered 503: OVERLOADED: later");
  assert.equal(of(500, "", "no"), "failed: test answered 500: no");
  assert.equal(of(404), "failed: test answered 404");
  assert.equal(of(200), "failed: test answered 200");
});

test("an answer that cannot be read fails its own call", () => {
  const broken = wire("c0 3e 05 a2 06 02 ff ff");
  const { frame, outcome } = decodeFrame(broken, "test");
  assert.equal(frame, 5);
  assert.match(told(outcome), /^failed: test: the answer cannot be read/);
});
