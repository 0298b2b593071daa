/**
 * What a server that offers frames must do, asked over HTTP from outside, in whatever language it is written.
 * docs/frames.md says what is asked, and which function the server has to serve for it.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type TestContext, test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import {
  ask,
  assertFailed,
  begin,
  bodyOf,
  bytesOf,
  call,
  countOf,
  countsOf,
  FRAMES,
  fieldOf,
  INT,
  keptOf,
  mediaTypeOf,
  offersOf,
  post,
  postOrdinary,
  read,
  varint,
} from "./frames-asking.ts";

const { FromFunction, FromFunctions, ToFunction } = io.statefun.sdk.reqreply;

export interface FramesCheck {
  /** A sentence that is true of a server that passes. */
  readonly title: string;
  /** Rejects when it is not. */
  readonly run: (url: string) => Promise<void>;
}

/** Runs as tests of their own. */
export function framesServerContract(
  name: string,
  open: (t: TestContext) => Promise<string>,
): void {
  for (const { title, run } of FRAMES_CHECKS) {
    void test(`${name}: ${title}`, async (t) => run(await open(t)));
  }
}

function check(title: string, run: (url: string) => Promise<void>): FramesCheck {
  return { title, run };
}

const ANSWERS: readonly FramesCheck[] = [
  check("an ordinary answer offers frames", async (url) => {
    const one = ToFunction.encode(call(0, "ada", "count", { count: 4 })).finish();
    const response = await postOrdinary(url, Buffer.from(one));
    const body = await bytesOf(response);
    assert.equal(response.statusCode, 200);
    assert(offersOf(response).includes("1"), "statefold-frames: 1 is missing");
    assert.equal(countOf(FromFunction.decode(body)), 5);
  }),

  check("each call of a request is answered under its frame", async (url) => {
    const frames = [3, 1, 200, 7];
    const answers = await ask(
      url,
      frames.map((frame) => call(frame, `id-${frame}`, "count", { count: frame * 10 })),
    );
    assert.equal(answers.size, frames.length);
    for (const frame of frames) assert.equal(countOf(answers.get(frame)), frame * 10 + 1);
  }),

  check("as many calls as a request may hold are answered", async (url) => {
    const calls = Array.from({ length: 256 }, (_, i) =>
      call(i + 1, `id-${i}`, "count", { count: i }),
    );
    const answers = await ask(url, calls);
    assert.equal(answers.size, 256);
    for (const [frame, answer] of answers) assert.equal(countOf(answer), frame);
  }),

  check(
    "the messages of a call are handled in order, each after the other's state",
    async (url) => {
      const three = call(1, "ada", ["count", "count", "count"], { count: 4 });
      const answers = await ask(url, [three, call(2, "bob", "count", { count: 1 })]);
      assert.deepEqual(countsOf(answers.get(1)), [5, 6, 7]);
      assert.equal(countOf(answers.get(2)), 2);
    },
  ),

  check("a message without caller, as from outside, is handled too", async (url) => {
    const stranger = call(1, "ada", "count", { count: 1, hasCaller: false });
    const answers = await ask(url, [stranger, call(2, "bob", "count", { count: 1 })]);
    assert.equal(keptOf(answers.get(1)), 2);
    assert.equal(countOf(answers.get(2)), 2);
  }),

  check("an answer names no content encoding, not even identity", async (url) => {
    const { response } = await post(url, bodyOf([call(1, "ada", "count", { count: 1 })]));
    response.resume();
    assert.equal(response.headers["content-encoding"], undefined);
  }),
];

/** What is wrong with one call is its own. */
const ALONE: readonly FramesCheck[] = [
  check("a call that fails, fails alone", async (url) => {
    const answers = await ask(url, [
      call(1, "ada", "count", { count: 1 }),
      call(2, "bob", "fail", { count: 1 }),
      call(3, "eve", "count", { count: 1 }),
    ]);
    assert.equal(countOf(answers.get(1)), 2);
    assert.equal(countOf(answers.get(3)), 2);
    assertFailed(answers.get(2));
  }),

  check("a call of an unknown function fails alone", async (url) => {
    const stray = call(1, "ada", "count", { count: 1, type: "statefold.conformance/nobody" });
    const answers = await ask(url, [stray, call(2, "bob", "count", { count: 1 })]);
    assertFailed(answers.get(1));
    assert.equal(countOf(answers.get(2)), 2);
  }),

  check("a call that lacks a state asks for it, alone", async (url) => {
    const with1 = call(2, "bob", "count", { count: 1 });
    const answers = await ask(url, [call(1, "ada", "count"), with1]);
    const missing = answers.get(1)?.incompleteInvocationContext?.missingValues ?? [];
    assert.deepEqual(
      missing.map(({ stateName, typeTypename }) => [stateName, typeTypename]),
      [["count", INT]],
    );
    assert.equal(countOf(answers.get(2)), 2);
  }),
];

/** Calls do not wait for each other. */
const STREAMING: readonly FramesCheck[] = [
  check("a call that is slow holds no other back, nor the head", async (url) => {
    const calls = [call(1, "ada", "wait", { count: 1 }), call(2, "bob", "count", { count: 1 })];
    const { response, sent } = await post(url, bodyOf(calls));
    assert(performance.now() - sent < 900, "the head came when all was done");
    let body = Buffer.alloc(0);
    const seen: number[] = [];
    for await (const piece of response) {
      body = Buffer.concat([body, piece as Buffer]);
      const first = FromFunctions.decode(body).answers.length;
      if (seen.at(-1) !== first) seen.push(first);
    }
    assert.deepEqual(seen, [1, 2]);
    const frames = FromFunctions.decode(body).answers.map(({ frame }) => frame);
    assert.deepEqual(frames, [2, 1]);
  }),

  check("calls run beside each other", async (url) => {
    const calls = Array.from({ length: 20 }, (_, i) =>
      call(i + 1, `id-${i}`, "wait", { count: i }),
    );
    const sent = performance.now();
    assert.equal((await ask(url, calls)).size, 20);
    assert(performance.now() - sent < 10_000, "one after the other");
  }),

  check("who leaves in the middle harms nobody", async (url) => {
    const body = bodyOf([call(1, "ada", "wait", { count: 1 })]);
    const client = begin(url, body.byteLength);
    client.on("error", () => {});
    client.end(body);
    await once(client, "finish");
    client.destroy();
    assert.equal(countOf((await ask(url, [call(1, "bob", "count", { count: 1 })])).get(1)), 2);
  }),
];

/** Each wire type there is, by how a field of it goes on after its tag. */
const WIRE_TYPES = [
  { name: "varint", wireType: 0, rest: varint(300) },
  { name: "fixed64", wireType: 1, rest: Buffer.alloc(8, 0xff) },
  { name: "length-delimited", wireType: 2, rest: Buffer.from("026869", "hex") },
  { name: "fixed32", wireType: 5, rest: Buffer.alloc(4, 0xff) },
] as const;
/** Of no message of the protocol, with a tag of two bytes. */
const UNKNOWN_FIELD = 2013;

/** What a body may be. */
const BODIES: readonly FramesCheck[] = [
  ...WIRE_TYPES.map(({ name, wireType, rest }) => {
    const unknown = Buffer.concat([varint((UNKNOWN_FIELD << 3) | wireType), rest]);
    return check(`fields that are not known are skipped: ${name}`, async (url) => {
      const answers = await read((await post(url, withUnknown(unknown))).response);
      assert.equal(countOf(answers.get(1)), 2);
    });
  }),

  check("a frame's number may stand before the call, or behind it", async (url) => {
    const { frame, bytes } = { frame: Buffer.from("c03e", "hex"), bytes: plain("ada") };
    const first = fieldOf(1, Buffer.concat([frame, varint(1), bytes]));
    const last = fieldOf(1, Buffer.concat([plain("bob"), frame, varint(2)]));
    const answers = await read((await post(url, Buffer.concat([first, last]))).response);
    assert.deepEqual([countOf(answers.get(1)), countOf(answers.get(2))], [2, 2]);
  }),

  check("a body that comes byte by byte is one request", async (url) => {
    const body = bodyOf([call(1, "ada", "count", { count: 1 })]);
    const client = begin(url, body.byteLength);
    client.setNoDelay(true);
    for (const byte of body) client.write(Buffer.from([byte]));
    client.end();
    const [response] = (await once(client, "response")) as [IncomingMessage];
    assert.equal(countOf((await read(response)).get(1)), 2);
  }),
];

/** A call without its frame. */
function plain(id: string): Uint8Array {
  return ToFunction.encode(call(0, id, "count", { count: 1 })).finish();
}

/** A body of one call that counts, with a field that nobody knows in it and in each of its parts. */
function withUnknown(unknown: Buffer): Buffer {
  const { InvocationBatchRequest, Invocation, PersistedValue } = ToFunction;
  const { Address, TypedValue } = io.statefun.sdk.reqreply;
  const { frame, invocation } = call(1, "ada", "count", { count: 1 });
  const { target, state, invocations } = invocation ?? {};
  const [entry] = state ?? [];
  const [message] = invocations ?? [];
  const part = (number: number, encoded: Uint8Array, ...parts: Buffer[]): Buffer =>
    fieldOf(number, Buffer.concat([unknown, encoded, ...parts]));
  const address = (number: number, value: Parameters<typeof Address.encode>[0]): Buffer =>
    part(number, Address.encode(value).finish());
  const value = (number: number, of: Parameters<typeof TypedValue.encode>[0]): Buffer =>
    part(number, TypedValue.encode(of).finish());
  const { stateName = "" } = entry ?? {};
  const persisted = PersistedValue.encode({ stateName }).finish();
  const batch = part(
    100,
    InvocationBatchRequest.encode({}).finish(),
    address(1, target ?? {}),
    part(2, persisted, value(2, entry?.stateValue ?? {})),
    part(
      3,
      Invocation.encode({}).finish(),
      address(1, message?.caller ?? {}),
      value(2, message?.argument ?? {}),
    ),
  );
  const one = part(1, ToFunction.encode({ frame: frame ?? 0 }).finish(), batch);
  return Buffer.concat([unknown, one, unknown]);
}

/** What a body may not be. */
const REFUSALS: readonly FramesCheck[] = (
  [
    ["nonsense", Buffer.from("0a05hello")],
    ["nothing", Buffer.alloc(0)],
    ["a call without frame", fieldOf(1, plain("ada"))],
    ["a frame twice", bodyOf([call(1, "a", "count"), call(1, "b", "count")])],
  ] as const
).map(([what, body]) =>
  check(`a body of ${what} is refused as a whole`, async (url) => {
    const { response } = await post(url, body);
    response.resume();
    assert.equal(response.statusCode, 400);
    assert.notEqual(mediaTypeOf(response), FRAMES);
  }),
);

/** All that is asked of a server; each by itself, in any order. */
export const FRAMES_CHECKS: readonly FramesCheck[] = [
  ...ANSWERS,
  ...ALONE,
  ...STREAMING,
  ...BODIES,
  ...REFUSALS,
];
