import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { type TestContext, test } from "node:test";
import {
  type AdapterOptions,
  fetchHandler,
  lambdaHandler,
  nodeHandler,
  type SdkError,
  statefulFunction,
  types,
} from "@statefold/sdk";
import { FRAMES_TYPE, io } from "@statefold/sdk/protocol";
import { deferred } from "../../../src/base/deferred.ts";
import { framesServerContract } from "../../contracts/frames-server.ts";
import { conformance, listening, relay } from "../../contracts/frames-subject.ts";
import { message, wireAddress } from "../wire.ts";
import { add, counter } from "./functions.ts";

const { FromFunctions, ToFunctions } = io.statefun.sdk.reqreply;

framesServerContract("nodeHandler", (t) => listening(t, nodeHandler([conformance])));

framesServerContract("fetchHandler", (t) => {
  const handle = fetchHandler([conformance]);
  return listening(t, (incoming, outgoing) => {
    const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>;
    void relay(handle, incoming, body, outgoing);
  });
});

interface Sent {
  readonly type: string;
  readonly ids: readonly string[];
}

/** Calls without states, one for each id. */
function bodyOf({ type, ids }: Sent): Buffer {
  const calls = ids.map((id, i) => ({
    frame: i + 1,
    invocation: { target: wireAddress(type, id), invocations: [message(types.int, 1)] },
  }));
  return Buffer.from(ToFunctions.encode({ calls }).finish());
}

function post(url: string, sent: Sent) {
  const headers = { "content-type": FRAMES_TYPE };
  return fetch(url, { method: "POST", headers, body: bodyOf(sent) });
}

async function serving(t: TestContext, options: AdapterOptions = {}) {
  const begun: string[] = [];
  const go = deferred<void>();
  const quick = statefulFunction("test/quick").on(types.int, (ctx) => {
    begun.push(ctx.self.id);
    ctx.send(ctx.self, types.bytes, new Uint8Array(1_000_000));
  });
  const slow = statefulFunction("test/slow").on(types.int, async (ctx) => {
    begun.push(ctx.self.id);
    await go.promise;
  });
  const poison = statefulFunction("test/poison").on(types.int, () => {
    throw new Error("never");
  });
  const url = await listening(t, nodeHandler([quick, slow, poison], options));
  return { url, begun, go };
}

test("what functions do at once is answered in one piece, with its length", async (t) => {
  const { url } = await serving(t);
  t.mock.method(performance, "now", () => 0); // one slice, however busy the machine is
  const response = await post(url, { type: "test/poison", ids: ["a", "b"] });
  assert.equal(response.headers.get("transfer-encoding"), null);
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(response.headers.get("content-length"), `${body.byteLength}`);
  assert.deepEqual(
    FromFunctions.decode(body).answers.map(({ frame, failure }) => [frame, failure?.code]),
    [
      [1, "HANDLER_FAILED"],
      [2, "HANDLER_FAILED"],
    ],
  );
});

test("what functions take longer for is answered in pieces", async (t) => {
  const { url } = await serving(t);
  let nowMs = 0;
  t.mock.method(performance, "now", () => {
    nowMs += 100;
    return nowMs;
  });
  const response = await post(url, { type: "test/poison", ids: ["a", "b"] });
  assert.equal(response.headers.get("transfer-encoding"), "chunked");
  const body = Buffer.from(await response.arrayBuffer());
  assert.deepEqual(
    FromFunctions.decode(body).answers.map(({ frame }) => frame),
    [1, 2],
  );
});

test("a head that nothing follows yet comes all the same", async (t) => {
  const { url, go } = await serving(t);
  const response = await post(url, { type: "test/slow", ids: ["a"] });
  assert.equal(response.status, 200); // and the function has not ended
  go.resolve();
  assert.equal(FromFunctions.decode(Buffer.from(await response.arrayBuffer())).answers.length, 1);
});

test("each call that fails is told to who wants to hear of it", async (t) => {
  const errors: SdkError[] = [];
  const { url } = await serving(t, { onError: (error) => errors.push(error) });
  await (await post(url, { type: "test/poison", ids: ["a", "b", "c"] })).arrayBuffer();
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["HANDLER_FAILED", "HANDLER_FAILED", "HANDLER_FAILED"],
  );
});

test("what the reader does not take holds back the calls that have not begun", async (t) => {
  const { url, begun } = await serving(t);
  const ids = Array.from({ length: 200 }, (_, i) => `${i}`);
  const body = bodyOf({ type: "test/quick", ids });
  const headers = { "content-type": FRAMES_TYPE, "content-length": body.byteLength };
  const client = httpRequest(url, { method: "POST", headers });
  client.end(body);
  const [response] = await once(client, "response");
  // Nothing is read, so the sockets fill up.
  let before = -1;
  while (before !== begun.length) {
    before = begun.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert(begun.length < 100, `${begun.length} MB are held`);
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  assert.equal(FromFunctions.decode(Buffer.concat(pieces)).answers.length, 200);
});

test("who has left is not worked for any more, and what is held is let go", async (t) => {
  const { url, begun, go } = await serving(t, { maxBufferedBytes: 400 });
  const body = bodyOf({ type: "test/slow", ids: ["a", "b", "c"] });
  assert(body.byteLength < 400 && body.byteLength * 3 > 400);
  const headers = { "content-type": FRAMES_TYPE, "content-length": body.byteLength };
  const client = httpRequest(url, { method: "POST", headers });
  client.on("error", () => {});
  client.end(body);
  await once(client, "response"); // its head alone
  const both = await Promise.all(
    [1, 2, 3].map(() => post(url, { type: "test/slow", ids: ["d", "e", "f"] })),
  );
  assert(
    both.some(({ status }) => status === 503),
    "nothing was held",
  );
  client.destroy();
  go.resolve();
  for (const each of both) await each.arrayBuffer();
  assert.deepEqual(begun.slice(0, 3), ["a", "b", "c"]);
  const after = await post(url, { type: "test/slow", ids: ["g"] });
  assert.equal(after.status, 200);
  await after.arrayBuffer();
});

test("a lambda, which cannot stream, offers nothing and takes no frames", async () => {
  const handle = lambdaHandler([counter]);
  const event = (body: Uint8Array, type: string) => ({
    httpMethod: "POST",
    headers: { "content-type": type },
    body: Buffer.from(body).toString("base64"),
    isBase64Encoded: true,
  });
  const single = await handle(event(add(1), "application/octet-stream"));
  assert.deepEqual([single.statusCode, single.headers["statefold-frames"]], [200, undefined]);
  const frames = await handle(event(bodyOf({ type: "demo/counter", ids: ["a"] }), FRAMES_TYPE));
  assert.equal(frames.statusCode, 415);
});
