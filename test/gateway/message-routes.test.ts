import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { StatefoldError } from "../../src/base/errors.ts";
import type { CallResult, Waiter } from "../../src/gateway/ports.ts";
import { builtinFromJson, encodeString } from "../../src/model/builtin-types.ts";
import { startFakeNode } from "./fake-node.ts";
import { problemOf } from "./http-client.ts";

const TEXT = { "content-type": "text/plain" };

function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = TEXT,
) {
  return fetch(url, { method: "POST", body, headers });
}

test("a sent message is answered 202 with its id", async (t) => {
  const { url, messages } = await startFakeNode(t);
  const response = await post(`${url}/v1/send/demo/greeter/a%2Fb`, "hello");
  assert.equal(response.status, 202);
  assert.deepEqual(await response.json(), { messageId: "m-1" });
  assert.deepEqual(messages.sent, [
    {
      target: { type: "demo/greeter", id: "a/b" },
      value: {
        typename: "io.statefun.types/string",
        hasValue: true,
        value: encodeString("hello"),
      },
      delayMs: 0,
      idempotencyKey: undefined,
      traceparent: undefined,
      headers: [],
    },
  ]);
});

test("a message takes along its delay, key, trace and headers", async (t) => {
  const { url, messages } = await startFakeNode(t);
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await post(`${url}/v1/send/demo/greeter/a?delay=5s`, "hello", {
    ...TEXT,
    "idempotency-key": "order 7",
    traceparent,
    "Statefold-Header-Tenant": "acme",
  });
  const [sent] = messages.sent;
  assert.equal(sent?.delayMs, 5_000);
  assert.equal(sent?.idempotencyKey, "order 7");
  assert.equal(sent?.traceparent, traceparent);
  assert.deepEqual(sent?.headers, [{ key: "tenant", value: Buffer.from("acme") }]);
});

test("a malformed traceparent is ignored", async (t) => {
  const { url, messages } = await startFakeNode(t);
  await post(`${url}/v1/send/demo/greeter/a`, "hello", { ...TEXT, traceparent: "nonsense" });
  assert.equal(messages.sent[0]?.traceparent, undefined);
});

test("a call is answered with the reply, its type, and the id of the message", async (t) => {
  const { url, messages } = await startFakeNode(t);
  const response = await post(`${url}/v1/call/demo/greeter/a`, "hello");
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "hello");
  assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(response.headers.get("statefold-type"), "io.statefun.types/string");
  assert.equal(response.headers.get("statefold-message-id"), "m-1");
  assert.equal(messages.called[0]?.timeoutMs, 30_000);
});

test("numbers go in and come back as JSON", async (t) => {
  const { url, messages } = await startFakeNode(t);
  const type = "io.statefun.types/int";
  const response = await post(`${url}/v1/call/demo/counter/a?timeout=2s`, "41", {
    "content-type": "application/json",
    "statefold-type": type,
    accept: "application/json",
  });
  assert.equal(await response.json(), 41);
  assert.equal(response.headers.get("statefold-type"), type);
  assert.deepEqual(messages.called[0]?.value.value, builtinFromJson(type, "41"));
  assert.equal(messages.called[0]?.timeoutMs, 2_000);
});

test("bytes of any type go in and come back as they are", async (t) => {
  const { url } = await startFakeNode(t);
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i % 251);
  const type = "application/vnd.demo/blob";
  const response = await post(`${url}/v1/call/demo/store/a`, bytes, { "content-type": type });
  assert.equal(response.headers.get("content-type"), type);
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
});

test("a call without a reply in time is 504 with the id to fetch it by", async (t) => {
  const { url, messages } = await startFakeNode(t);
  messages.answer = () => Promise.resolve({ kind: "pending", callId: "c/7" });
  const response = await post(`${url}/v1/call/demo/greeter/a?timeout=0`, "hello");
  assert.equal(response.status, 504);
  assert.equal(response.headers.get("location"), "/v1/calls/c%2F7");
  const body = (await response.json()) as { code: string; callId: string };
  assert.deepEqual([body.code, body.callId], ["CALL_TIMEOUT", "c/7"]);
});

test("a call without a reply in time tells what is in its way", async (t) => {
  const { url, messages } = await startFakeNode(t);
  const obstacle = "demo/greeter/a is parked";
  messages.answer = () => Promise.resolve({ kind: "pending", callId: "c-7", obstacle });
  const response = await post(`${url}/v1/call/demo/greeter/a?timeout=0`, "hello");
  const { detail } = (await response.json()) as { detail: string };
  assert.equal(detail, `No reply yet: ${obstacle}. Fetch it: GET /v1/calls/c-7`);
});

test("the reply of an earlier call is fetched by its id", async (t) => {
  const { url, messages } = await startFakeNode(t);
  assert.equal((await fetch(`${url}/v1/calls/c-7`)).status, 404);
  messages.stored = { kind: "pending", callId: "c-7" };
  assert.equal((await fetch(`${url}/v1/calls/c-7?timeout=0`)).status, 504);
  const value = { typename: "demo/x", hasValue: true, value: Buffer.from("late") };
  messages.stored = { kind: "reply", value, messageId: "m-3" };
  const response = await fetch(`${url}/v1/calls/c%2F7`);
  assert.equal(await response.text(), "late");
  assert.equal(response.headers.get("statefold-type"), "demo/x");
  assert.deepEqual(messages.fetched, ["c-7", "c-7", "c/7"]);
});

test("what the node refuses is answered with the code's status", async (t) => {
  const { url, messages } = await startFakeNode(t);
  const cases = [
    ["TYPE_UNKNOWN", 404],
    ["OVERLOADED", 429],
    ["UNAVAILABLE", 503],
    ["VALUE_TOO_LARGE", 413],
    ["REQUEST_INVALID", 400],
  ] as const;
  for (const [code, status] of cases) {
    messages.refusal = new StatefoldError(code, "because");
    for (const verb of ["send", "call"]) {
      const response = await post(`${url}/v1/${verb}/demo/greeter/a`, "hello");
      assert.equal(response.status, status, code);
      assert.equal(response.headers.get("content-type"), "application/problem+json");
      assert.deepEqual(await problemOf(response), { code, detail: "because" });
      const isBusy = status === 429 || status === 503;
      assert.equal(response.headers.get("retry-after"), isBusy ? "1" : null);
    }
  }
});

test("a mistake of ours is 500, in the log whole and to the caller without its text", async (t) => {
  const { url, messages, log } = await startFakeNode(t);
  messages.refusal = new Error("secret detail");
  const response = await post(`${url}/v1/send/demo/greeter/a`, "hello");
  assert.equal(response.status, 500);
  const { code, detail } = await problemOf(response);
  assert.equal(code, "INTERNAL");
  assert.doesNotMatch(detail, /secret/);
  assert.match(log.join(""), /secret detail/);
});

test("requests that are not right are told what would be", async (t) => {
  const { url, messages } = await startFakeNode(t);
  const wrong: [string, Record<string, string>, RegExp][] = [
    ["/v1/send/demo/greeter", TEXT, /lacks a part/],
    ["/v1/send/demo/greeter/a/b", TEXT, /%2F/],
    ["/v1/send/demo/greeter/", TEXT, /id is empty/],
    ["/v1/send/demo/greeter/%ff", TEXT, /not UTF-8/],
    ["/v1/send/demo/greeter/a?dealy=1s", TEXT, /no parameter "dealy"/],
    ["/v1/send/demo/greeter/a?delay=soon", TEXT, /is no duration/],
    ["/v1/call/demo/greeter/a?timeout=2h", TEXT, /too long/],
    ["/v1/call/demo/greeter/a?delay=1s", TEXT, /it takes timeout/],
    ["/v1/send/demo/greeter/a", {}, /does not say its type|charset|text\/plain/],
    ["/v1/send/demo/greeter/a", { ...TEXT, "idempotency-key": "" }, /1 to 255 characters/],
    ["/v1/send/demo/greeter/a", { ...TEXT, "content-encoding": "gzip" }, /compressed/],
  ];
  for (const [path, headers, detail] of wrong) {
    const response = await post(url + path, Buffer.from("hello"), headers);
    assert.equal(response.status, 400, path);
    const problem = await problemOf(response);
    assert.equal(problem.code, "REQUEST_INVALID");
    assert.match(problem.detail, detail);
  }
  assert.deepEqual(messages.sent, []);
});

test("another method is 405 with those that are taken", async (t) => {
  const { url } = await startFakeNode(t);
  const response = await fetch(`${url}/v1/send/demo/greeter/a`);
  assert.equal(response.status, 405);
  assert.equal(response.headers.get("allow"), "POST");
});

test("a path that leads nowhere is 404 with those that lead somewhere", async (t) => {
  const { url } = await startFakeNode(t);
  for (const path of ["/", "/v1", "/v2/send/a/b/c", "/metricsx", "/v1/admin", "/v1/admin/stuff"]) {
    const response = await fetch(url + path);
    assert.equal(response.status, 404, path);
    assert.match((await problemOf(response)).detail, /there are \/v1\/send/);
  }
});

test("a call learns that its caller has hung up", async (t) => {
  const { port, messages } = await startFakeNode(t);
  const called = deferred<Waiter>();
  const answer = deferred<CallResult>();
  messages.answer = ({ caller }) => {
    called.resolve(caller.waiter);
    return answer.promise;
  };
  const socket = connect(port, "127.0.0.1");
  socket.write(
    "POST /v1/call/demo/a/1 HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\nx",
  );
  const waiter = await called.promise;
  assert(!waiter.hasLeft);
  const left = new Promise<void>((resolve) => {
    waiter.listener = { waiterLeft: resolve };
  });
  socket.destroy();
  await left;
  assert(waiter.hasLeft);
  answer.resolve({ kind: "pending", callId: "c-1" });
});

test("a page of another site may not use the node through its visitor's browser", async (t) => {
  const { url, messages, port } = await startFakeNode(t);
  const foreign = await post(`${url}/v1/send/demo/a/1`, "x", {
    ...TEXT,
    origin: "https://evil.example",
  });
  assert.equal(foreign.status, 403);
  const own = await post(`${url}/v1/send/demo/a/1`, "x", {
    ...TEXT,
    origin: `http://127.0.0.1:${port}`,
  });
  assert.equal(own.status, 202);
  assert.equal(messages.sent.length, 1);
});
