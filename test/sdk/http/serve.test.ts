import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { test } from "node:test";
import { type SdkError, serve, statefulFunction, types } from "@statefold/sdk";
import { message, requestBytes } from "../wire.ts";
import { add, BINARY, counter } from "./functions.ts";

const headers = { "content-type": BINARY };

test("functions are served at the address that is told, at any path", async (t) => {
  const server = await serve([counter], { port: 0 });
  t.after(() => server.close());
  assert.equal(server.host, "127.0.0.1");
  assert.equal(server.url, `http://127.0.0.1:${server.port}/`);
  for (const path of ["", "statefun", "a/b?c=d"]) {
    const response = await fetch(server.url + path, { method: "POST", body: add(1), headers });
    assert.equal(response.status, 200);
  }
});

test("connections are kept for longer than a runtime keeps them", async (t) => {
  const server = await serve([counter], { port: 0 });
  t.after(() => server.close());
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const request = httpRequest(server.url, { method: "POST", agent, headers });
  request.end(add(1));
  const [response] = await once(request, "response");
  response.resume();
  const seconds = Number(/timeout=(\d+)/.exec(response.headers["keep-alive"])?.[1]);
  assert(seconds > 30, `keep-alive: ${response.headers["keep-alive"]}`);
});

test("a port that is taken is an error at once", async (t) => {
  const server = await serve([counter], { port: 0 });
  t.after(() => server.close());
  await assert.rejects(serve([counter], { port: server.port }), { code: "EADDRINUSE" });
});

test("close finishes what is in hand, takes nothing more, and may be called again", async () => {
  const events = new EventEmitter();
  const slow = statefulFunction("demo/slow").on(types.string, async () => {
    events.emit("begun");
    await once(events, "go on");
  });
  const server = await serve([slow], { port: 0 });
  const body = Uint8Array.from(
    requestBytes({ type: "demo/slow", messages: [message(types.string, "")] }),
  );
  const begun = once(events, "begun");
  const answer = fetch(server.url, { method: "POST", body, headers });
  await begun;
  const closed = server.close();
  assert.equal(server.close(), closed);
  await assert.rejects(fetch(server.url, { method: "POST", body, headers }));
  events.emit("go on");
  const response = await answer;
  assert.equal(response.status, 200);
  await response.arrayBuffer();
  await closed;
});

test("an idle connection does not hold up the close", async (t) => {
  const server = await serve([counter], { port: 0 });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const request = httpRequest(server.url, { method: "POST", agent, headers });
  request.end(add(1));
  const [response] = await once(request, "response");
  response.resume();
  await once(response, "end");
  await server.close();
});

test("errors go to who wants them instead of stderr", async (t) => {
  const errors: SdkError[] = [];
  const server = await serve([counter], { port: 0, onError: (error) => errors.push(error) });
  t.after(() => server.close());
  await fetch(server.url, { method: "POST", body: add(-1), headers });
  assert.equal(errors[0]?.code, "HANDLER_FAILED");
});
