/**
 * What a server that offers frames must do (docs/frames.md), asked over HTTP from outside, in whatever
 * language it is written. It has to serve one function:
 *
 *   statefold.conformance/fn    state `count` (io.statefun.types/int); of an io.statefun.types/string
 *     "count"   adds 1 to the count and replies it to the caller (io.statefun.types/int)
 *     "wait"    the same, after a second
 *     "fail"    fails
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { type TestContext, test } from "node:test";
import { io } from "@statefold/sdk/protocol";

const { FromFunctions, FromFunction, ToFunctions, ToFunction } = io.statefun.sdk.reqreply;
const { IntWrapper, StringWrapper } = io.statefun.sdk.types;

export const CONFORMANCE_TYPE = "statefold.conformance/fn";
const FRAMES = "application/vnd.statefold.frames.v1";
const OCTET_STREAM = "application/octet-stream";
const INT = "io.statefun.types/int";

type Call = io.statefun.sdk.reqreply.ToFunction.$Properties;
type Answer = io.statefun.sdk.reqreply.FromFunction;

/** Runs as tests of their own. */
export function framesServerContract(
  name: string,
  open: (t: TestContext) => Promise<string>,
): void {
  const check: Check = (title, body) =>
    void test(`${name}: ${title}`, async (t) => body(await open(t)));

  check("an ordinary answer offers frames", async (url) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": OCTET_STREAM },
      body: Buffer.from(ToFunction.encode(call(0, "ada", "count", 4)).finish()),
    });
    assert.equal(response.status, 200);
    const versions = (response.headers.get("statefold-frames") ?? "").split(",");
    assert(versions.map((each) => each.trim()).includes("1"), "statefold-frames: 1 is missing");
    const answer = FromFunction.decode(Buffer.from(await response.arrayBuffer()));
    assert.equal(countOf(answer), 5);
  });

  check("each call of a request is answered under its frame", async (url) => {
    const frames = [3, 1, 200, 7];
    const answers = await ask(
      url,
      frames.map((frame) => call(frame, `id-${frame}`, "count", frame * 10)),
    );
    assert.equal(answers.size, frames.length);
    for (const frame of frames) assert.equal(countOf(answers.get(frame)), frame * 10 + 1);
  });

  check("as many calls as a request may hold are answered", async (url) => {
    const calls = Array.from({ length: 256 }, (_, i) => call(i + 1, `id-${i}`, "count", i));
    const answers = await ask(url, calls);
    assert.equal(answers.size, 256);
    for (const [frame, answer] of answers) assert.equal(countOf(answer), frame);
  });

  alone(check);
  streaming(check);
  bodies(check);
}

type Check = (title: string, body: (url: string) => Promise<void>) => void;

/** What is wrong with one call is its own. */
function alone(check: Check): void {
  check("a call that fails, fails alone", async (url) => {
    const answers = await ask(url, [
      call(1, "ada", "count", 1),
      call(2, "bob", "fail", 1),
      call(3, "eve", "count", 1),
    ]);
    assert.equal(countOf(answers.get(1)), 2);
    assert.equal(countOf(answers.get(3)), 2);
    assertFailed(answers.get(2));
  });

  check("a call of an unknown function fails alone", async (url) => {
    const stray = call(1, "ada", "count", 1, "statefold.conformance/nobody");
    const answers = await ask(url, [stray, call(2, "bob", "count", 1)]);
    assertFailed(answers.get(1));
    assert.equal(countOf(answers.get(2)), 2);
  });

  check("a call that lacks a state asks for it, alone", async (url) => {
    const answers = await ask(url, [call(1, "ada", "count"), call(2, "bob", "count", 1)]);
    const missing = answers.get(1)?.incompleteInvocationContext?.missingValues ?? [];
    assert.deepEqual(
      missing.map(({ stateName, typeTypename }) => [stateName, typeTypename]),
      [["count", INT]],
    );
    assert.equal(countOf(answers.get(2)), 2);
  });
}

/** Calls do not wait for each other. */
function streaming(check: Check): void {
  check("a call that is slow holds no other back, nor the head", async (url) => {
    const { response, sent } = await send(url, [
      call(1, "ada", "wait", 1),
      call(2, "bob", "count", 1),
    ]);
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
  });

  check("calls run beside each other", async (url) => {
    const calls = Array.from({ length: 20 }, (_, i) => call(i + 1, `id-${i}`, "wait", i));
    const sent = performance.now();
    assert.equal((await ask(url, calls)).size, 20);
    assert(performance.now() - sent < 10_000, "one after the other");
  });

  check("who leaves in the middle harms nobody", async (url) => {
    const body = ToFunctions.encode({ calls: [call(1, "ada", "wait", 1)] }).finish();
    const { client } = begin(url, body.byteLength);
    client.on("error", () => {});
    client.end(body);
    await once(client, "finish");
    client.destroy();
    assert.equal(countOf((await ask(url, [call(1, "bob", "count", 1)])).get(1)), 2);
  });
}

/** What a body may be, and may not. */
function bodies(check: Check): void {
  check("fields that are not known are skipped", async (url) => {
    const inner = Buffer.concat([
      ToFunction.encode(call(1, "ada", "count", 1)).finish(),
      Buffer.from("ea7d0161", "hex"), // field 2013
    ]);
    const body = Buffer.concat([Buffer.from("12026869", "hex"), frameOf(inner)]); // field 2
    const answers = await read((await post(url, body)).response);
    assert.equal(countOf(answers.get(1)), 2);
  });

  check("a body that comes byte by byte is one request", async (url) => {
    const body = ToFunctions.encode({ calls: [call(1, "ada", "count", 1)] }).finish();
    const { client } = begin(url, body.byteLength);
    client.setNoDelay(true);
    for (const byte of body) client.write(Buffer.from([byte]));
    client.end();
    const [response] = (await once(client, "response")) as [IncomingMessage];
    assert.equal(countOf((await read(response)).get(1)), 2);
  });

  for (const [what, body] of [
    ["nonsense", Buffer.from("0a05hello")],
    ["nothing", Buffer.alloc(0)],
    ["a call without frame", frameOf(ToFunction.encode(call(0, "ada", "count", 1)).finish())],
    [
      "a frame twice",
      ToFunctions.encode({ calls: [call(1, "a", "count"), call(1, "b", "count")] }).finish(),
    ],
  ] as const) {
    check(`a body of ${what} is refused as a whole`, async (url) => {
      const { response } = await post(url, Buffer.from(body));
      response.resume();
      assert.equal(response.statusCode, 400);
      assert.notEqual(response.headers["content-type"], FRAMES);
    });
  }
}

/** @param count undefined: the request lacks the state */
function call(
  frame: number,
  id: string,
  text: string,
  count?: number,
  type = CONFORMANCE_TYPE,
): Call {
  const [namespace = "", name = ""] = type.split("/");
  const stateValue = {
    typename: INT,
    hasValue: true,
    value: IntWrapper.encode({ value: count ?? 0 }).finish(),
  };
  const argument = {
    typename: "io.statefun.types/string",
    hasValue: true,
    value: StringWrapper.encode({ value: text }).finish(),
  };
  return {
    frame,
    invocation: {
      target: { namespace, type: name, id },
      state: count === undefined ? [] : [{ stateName: "count", stateValue }],
      invocations: [{ caller: { namespace: "test", type: "caller", id: "c" }, argument }],
    },
  };
}

/** The count that is replied, which is the one that is kept. */
function countOf(answer: Answer | undefined): number {
  const { outgoingMessages = [], stateMutations = [] } = answer?.invocationResult ?? {};
  const [reply] = outgoingMessages ?? [];
  const [kept] = stateMutations ?? [];
  assert.equal(reply?.target?.id, "c", "no reply to the caller");
  const of = (value: Uint8Array | null | undefined) =>
    IntWrapper.decode(value ?? Buffer.alloc(0)).value;
  assert.equal(of(reply?.argument?.value), of(kept?.stateValue?.value));
  return of(reply?.argument?.value);
}

function assertFailed(answer: Answer | undefined): void {
  const { status = 0 } = answer?.failure ?? {};
  assert(Number(status) >= 400 && Number(status) < 600, "no failure with a status");
}

/** Of up to 16,383 bytes. */
function frameOf(bytes: Uint8Array): Buffer {
  const { byteLength } = bytes;
  const length = byteLength < 0x80 ? [byteLength] : [(byteLength & 0x7f) | 0x80, byteLength >> 7];
  return Buffer.concat([Buffer.from([0x0a, ...length]), bytes]);
}

async function ask(url: string, calls: readonly Call[]): Promise<Map<number, Answer>> {
  return await read((await send(url, calls)).response);
}

function send(url: string, calls: readonly Call[]) {
  return post(url, Buffer.from(ToFunctions.encode({ calls: [...calls] }).finish()));
}

function begin(url: string, length: number): { client: ClientRequest } {
  const headers = { "content-type": FRAMES, "content-length": length };
  return { client: httpRequest(url, { method: "POST", headers, agent: false }) };
}

async function post(url: string, body: Buffer) {
  const sent = performance.now();
  const { client } = begin(url, body.byteLength);
  client.end(body);
  const [response] = (await once(client, "response")) as [IncomingMessage];
  return { response, sent };
}

async function read(response: IncomingMessage): Promise<Map<number, Answer>> {
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers["content-type"], FRAMES);
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  const { answers } = FromFunctions.decode(Buffer.concat(pieces));
  const byFrame = new Map(answers.map((answer) => [answer.frame ?? 0, answer as Answer]));
  assert.equal(byFrame.size, answers.length, "a frame is answered twice");
  return byFrame;
}
