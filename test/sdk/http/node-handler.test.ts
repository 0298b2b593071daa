import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { type AdapterOptions, nodeHandler, requestReplyHandler, SdkError } from "@statefold/sdk";
import { hex } from "../wire.ts";
import { add, BINARY, counter } from "./functions.ts";

async function serving(t: TestContext, options: AdapterOptions = {}): Promise<string> {
  const server = createServer(nodeHandler([counter], options));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/statefun`;
}

function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) {
  return fetch(url, { method: "POST", body, headers: { "content-type": BINARY, ...headers } });
}

async function failure(response: Response) {
  assert.equal(response.headers.get("content-type"), "application/json");
  const { code, message } = (await response.json()) as { code: string; message: string };
  return { status: response.status, code, message };
}

test("a request is answered with the handler's bytes, as the protocol wants them labelled", async (t) => {
  const response = await post(await serving(t), add(3));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), BINARY);
  const expected = await requestReplyHandler([counter]).handle(add(3));
  assert.equal(hex(new Uint8Array(await response.arrayBuffer())), hex(expected));
});

test("a content type with parameters, or none, is taken", async (t) => {
  const url = await serving(t);
  const labelled = await post(url, add(1), { "content-type": "Application/Octet-Stream; x=y" });
  assert.equal(labelled.status, 200);
  const bare = httpRequest(url, { method: "POST" });
  bare.end(add(1));
  const [answer] = await once(bare, "response");
  answer.resume();
  assert.equal(answer.statusCode, 200);
});

test("every error is a status and a body that says what went wrong", async (t) => {
  const url = await serving(t);
  const thrown = await failure(await post(url, add(-1)));
  assert.equal(thrown.status, 500);
  assert.equal(thrown.code, "HANDLER_FAILED");
  assert.match(thrown.message, /demo\/counter "ada" .*io\.statefun\.types\/int: only upwards/);

  const malformed = await failure(await post(url, "hello"));
  assert.deepEqual([malformed.status, malformed.code], [400, "REQUEST_MALFORMED"]);
  const empty = await failure(await post(url, ""));
  assert.deepEqual([empty.status, empty.code], [400, "REQUEST_MALFORMED"]);

  const json = await failure(await post(url, "{}", { "content-type": "application/json" }));
  assert.deepEqual([json.status, json.code], [415, "MEDIA_TYPE_UNSUPPORTED"]);
  assert.match(json.message, /application\/json/);
  const packed = await failure(await post(url, add(1), { "content-encoding": "gzip" }));
  assert.equal(packed.status, 415);

  const get = await fetch(url);
  assert.equal(get.headers.get("allow"), "POST");
  const notPost = await failure(get);
  assert.deepEqual([notPost.status, notPost.code], [405, "METHOD_NOT_ALLOWED"]);
  assert.match(notPost.message, /served are demo\/counter/);
});

test("an unknown function is 404", async (t) => {
  const server = createServer(nodeHandler([]));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const answer = await failure(await post(`http://127.0.0.1:${port}/`, add(1)));
  assert.deepEqual([answer.status, answer.code], [404, "FUNCTION_UNKNOWN"]);
});

test("a body over the limit is refused, whether its length is told or not", async (t) => {
  const url = await serving(t, { maxBodyBytes: 1_000 });
  const told = await failure(await post(url, new Uint8Array(1_001)));
  assert.deepEqual([told.status, told.code], [413, "BODY_TOO_LARGE"]);
  assert.match(told.message, /larger than 1000 bytes/);

  const chunked = httpRequest(url, { method: "POST", headers: { "content-type": BINARY } });
  chunked.on("error", () => undefined); // the server hangs up on the rest
  chunked.write(new Uint8Array(600));
  chunked.write(new Uint8Array(600));
  const [answer] = await once(chunked, "response");
  assert.equal(answer.statusCode, 413);
  assert.equal(answer.headers.connection, "close");
  answer.resume();
  chunked.destroy();
});

test("a body in many pieces is put together", async (t) => {
  const url = await serving(t);
  const body = add(3);
  const request = httpRequest(url, { method: "POST", headers: { "content-type": BINARY } });
  for (const byte of body) request.write(Uint8Array.of(byte));
  request.end();
  const [answer] = await once(request, "response");
  answer.resume();
  assert.equal(answer.statusCode, 200);
});

test("a client that breaks off is told of, and harms nobody", async (t) => {
  const failures = new EventEmitter();
  const url = await serving(t, { onError: (error) => failures.emit("failure", error) });
  const told = once(failures, "failure");
  const request = httpRequest(url, {
    method: "POST",
    headers: { "content-type": BINARY, "content-length": "100" },
  });
  request.on("error", () => undefined);
  request.write(new Uint8Array(10), () => request.destroy());
  const [error] = await told;
  assert.match((error as SdkError).message, /broke off/);
  assert.equal((await post(url, add(1))).status, 200);
});

test("errors are told to who wants to hear them", async (t) => {
  const errors: SdkError[] = [];
  const url = await serving(t, { onError: (error) => errors.push(error) });
  await post(url, add(-1));
  assert.equal(errors.length, 1);
  assert(errors[0] instanceof SdkError);
  assert.equal((errors[0].cause as Error).message, "only upwards");
});
