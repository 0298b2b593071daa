import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { StatefoldError } from "../../src/base/errors.ts";
import { Gateway } from "../../src/gateway/gateway.ts";
import { IN_FLIGHT, UNSENT } from "../../src/gateway/metrics.ts";
import type { CallResult } from "../../src/gateway/ports.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { until } from "../support/until.ts";
import { startFakeNode } from "./fake-node.ts";
import { exchangeRaw, problemOf, readAll, readUntil } from "./http-client.ts";

const TEXT = { "content-type": "text/plain" };
const CALL = "POST /v1/call/demo/a/1 HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n";

test("probes answer what the node says of itself", async (t) => {
  const { url, health } = await startFakeNode(t);
  assert.equal((await fetch(`${url}/health/live`)).status, 200);
  assert.equal((await fetch(`${url}/health/ready`)).status, 200);
  health.isLive = false;
  health.readiness = { ready: false, reason: "partition 2 is loading" };
  assert.equal((await fetch(`${url}/health/live`)).status, 503);
  const response = await fetch(`${url}/health/ready`);
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), health.readiness);
});

test("metrics count requests by route and status", async (t) => {
  const { url } = await startFakeNode(t);
  await fetch(`${url}/v1/send/demo/a/1`, { method: "POST", body: "x", headers: TEXT });
  await fetch(`${url}/v1/send/demo/a`, { method: "POST", body: "x", headers: TEXT });
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  assert.match(text, /^statefold_http_requests_total\{route="send",status="202"\} 1$/m);
  assert.match(text, /^statefold_http_requests_total\{route="send",status="400"\} 1$/m);
  assert.match(text, /^statefold_http_request_seconds_count\{route="send"\} 2$/m);
  assert.match(text, /^statefold_http_buffered_bytes 0$/m);
});

test("a body that is announced as too long is refused before it is sent", async (t) => {
  const { port } = await startFakeNode(t, { maxBodyBytes: 100 });
  const socket = connect(port, "127.0.0.1");
  socket.write(`${CALL}content-length: 101\r\n\r\n`);
  const head = await readUntil(socket, "VALUE_TOO_LARGE");
  assert.match(head, /^HTTP\/1\.1 413 /);
  assert.match(head, /connection: close/i);
  socket.end("x".repeat(101));
  await once(socket, "close");
});

test("a body without end is refused at the limit, and taken a while longer, so that the answer is read", async (t) => {
  const { url, port } = await startFakeNode(t, { maxBodyBytes: 100 });
  const socket = connect(port, "127.0.0.1");
  const chunk = `c8\r\n${"x".repeat(200)}\r\n`;
  socket.write(`${CALL}transfer-encoding: chunked\r\n\r\n${chunk}`);
  assert.match(await readUntil(socket, "VALUE_TOO_LARGE"), /^HTTP\/1\.1 413 /);
  socket.write(chunk.repeat(50));
  await fetch(`${url}/health/live`);
  assert(!socket.readableEnded);
  socket.write("0\r\n\r\n");
  await once(socket, "close");
});

test("a body that still does not end is cut off", async (t) => {
  const { port } = await startFakeNode(t, { maxBodyBytes: 100, lingerBytes: 1_000 });
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const closed = readAll(socket);
  socket.write(`${CALL}transfer-encoding: chunked\r\n\r\n`);
  const send = () => {
    if (!socket.destroyed) socket.write(`c8\r\n${"x".repeat(200)}\r\n`, () => setImmediate(send));
  };
  send();
  await closed;
});

test("a client that asks before it sends is told to go on, or not to", async (t) => {
  const { port } = await startFakeNode(t, { maxBodyBytes: 100 });
  const socket = connect(port, "127.0.0.1");
  socket.write(`${CALL}expect: 100-continue\r\ncontent-length: 5\r\n\r\n`);
  await readUntil(socket, "100 Continue");
  socket.write("hello");
  assert.match(await readUntil(socket, "hello"), /^HTTP\/1\.1 200 /);
  socket.destroy();
  const refused = await exchangeRaw(
    port,
    `${CALL}expect: 100-continue\r\ncontent-length: 101\r\n\r\n`,
  );
  assert.match(refused, /^HTTP\/1\.1 413 /);
});

test("bodies held together have a bound, and leave room when they are answered", async (t) => {
  const { url, messages } = await startFakeNode(t, { maxBufferedBytes: 10 });
  const answer = deferred<CallResult>();
  const called = deferred<void>();
  messages.answer = () => {
    called.resolve();
    return answer.promise;
  };
  const post = () =>
    fetch(`${url}/v1/call/demo/a/1`, { method: "POST", body: "12345678", headers: TEXT });
  const first = post();
  await called.promise;
  const second = await post();
  assert.deepEqual([second.status, (await problemOf(second)).code], [429, "OVERLOADED"]);
  answer.resolve({ kind: "pending", callId: "c-1" });
  assert.equal((await first).status, 504);
  assert.equal((await post()).status, 504);
});

test("requests at once have a bound; probes come through all the same", async (t) => {
  const { url, messages } = await startFakeNode(t, { maxInFlight: 1 });
  const answer = deferred<CallResult>();
  const called = deferred<void>();
  messages.answer = () => {
    called.resolve();
    return answer.promise;
  };
  const post = () => fetch(`${url}/v1/call/demo/a/1`, { method: "POST", body: "x", headers: TEXT });
  const first = post();
  await called.promise;
  const second = await post();
  assert.equal(second.status, 429);
  assert.equal(second.headers.get("retry-after"), "1");
  assert.equal((await fetch(`${url}/health/ready`)).status, 200);
  answer.resolve({ kind: "pending", callId: "c-1" });
  assert.equal((await first).status, 504);
});

test("who is refused is told so a little later when many are", async (t) => {
  const { url, messages } = await startFakeNode(t, { maxInFlight: 3, refusalsPerSecond: 1 });
  const refused = deferred<void>();
  let times = 0;
  messages.answer = () => {
    if (++times === 3) refused.resolve();
    return Promise.reject(new StatefoldError("OVERLOADED", "as many as may be"));
  };
  const post = () => fetch(`${url}/v1/call/demo/a/1`, { method: "POST", body: "x", headers: TEXT });
  const posts = [post(), post(), post()];
  await refused.promise;
  // Those who are still to be told are in flight; whoever comes then is told as well.
  const answers = await Promise.all([...posts, post()]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [429, 429, 429, 429],
  );
});

test("what is no HTTP, has too much of headers, or comes too slowly is answered and closed", async (t) => {
  const { port } = await startFakeNode(t, { maxHeaderBytes: 2_000 });
  assert.match(await exchangeRaw(port, "nonsense\r\n\r\n"), /^HTTP\/1\.1 400 .*REQUEST_INVALID/s);
  const flood = `GET / HTTP/1.1\r\nhost: x\r\n${"a: b\r\n".repeat(1_000)}\r\n`;
  assert.match(await exchangeRaw(port, flood), /^HTTP\/1\.1 431 .*REQUEST_INVALID/s);
  assert.match(await exchangeRaw(port, `GET /${"a".repeat(3_000)}`), /^HTTP\/1\.1 431 /);
  // A node of its own: on a busy machine what is too large may come too slowly as well.
  const hasty = await startFakeNode(t, { headersTimeoutMs: 20, requestTimeoutMs: 20 });
  for (const slow of ["GET / HTTP/1.1\r\nhost", `${CALL}content-length: 10\r\n\r\nslow`]) {
    assert.match(await exchangeRaw(hasty.port, slow), /^HTTP\/1\.1 408 /);
  }
});

test("a path of raw bytes is refused with how to write it", async (t) => {
  const { port } = await startFakeNode(t);
  const bytes = Buffer.from(
    "POST /v1/send/demo/a/\xfc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    "latin1",
  );
  assert.match(await exchangeRaw(port, bytes), /^HTTP\/1\.1 400 .*must be percent-encoded/s);
});

test("a refused request leaves its connection usable", async (t) => {
  const { port } = await startFakeNode(t);
  const socket = connect(port, "127.0.0.1");
  socket.write("POST /v1/call/demo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello");
  await readUntil(socket, "REQUEST_INVALID");
  socket.write(`${CALL}content-length: 2\r\n\r\nhi`);
  assert.match(await readUntil(socket, "hi"), /^HTTP\/1\.1 200 /);
  socket.destroy();
});

test("requests on one connection are answered in turn", async (t) => {
  const { port } = await startFakeNode(t);
  const one = (body: string) => `${CALL}content-length: 3\r\n\r\n${body}`;
  const socket = connect(port, "127.0.0.1");
  socket.write(one("abc") + one("def"));
  const said = await readUntil(socket, "def");
  assert(said.indexOf("abc") < said.indexOf("def"));
  socket.destroy();
});

test("a caller that goes away while it sends disturbs nobody", async (t) => {
  const { url, port, log } = await startFakeNode(t);
  const socket = connect(port, "127.0.0.1");
  socket.write(`${CALL}expect: 100-continue\r\ncontent-length: 10\r\n\r\nhalf`);
  await readUntil(socket, "100 Continue");
  socket.resetAndDestroy();
  const response = await fetch(`${url}/v1/call/demo/a/1`, {
    method: "POST",
    body: "x",
    headers: TEXT,
  });
  assert.equal(await response.text(), "x");
  assert.deepEqual(log, []);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^statefold_http_requests_total\{route="call",status="499"\} 1$/m);
});

test("a drain finishes what is in flight, refuses what is new, and still answers probes", async (t) => {
  const { url, port, gateway, messages } = await startFakeNode(t);
  const answer = deferred<CallResult>();
  const called = deferred<void>();
  messages.answer = () => {
    called.resolve();
    return answer.promise;
  };
  const first = fetch(`${url}/v1/call/demo/a/1`, { method: "POST", body: "x", headers: TEXT });
  await called.promise;
  const drained = gateway.drain(60_000);
  const refused = await fetch(`${url}/v1/send/demo/a/1`, {
    method: "POST",
    body: "x",
    headers: TEXT,
  });
  assert.deepEqual([refused.status, (await problemOf(refused)).code], [503, "UNAVAILABLE"]);
  assert.equal((await fetch(`${url}/health/live`)).status, 200);
  const ready = await fetch(`${url}/health/ready`);
  assert.deepEqual(await ready.json(), { ready: false, reason: "the node is draining" });
  const value = { typename: "demo/x", hasValue: true, value: Buffer.alloc(5_000_000, "y") };
  answer.resolve({ kind: "reply", value, messageId: "m-1" });
  assert.equal((await first).headers.get("connection"), "close");
  assert.equal((await (await first).arrayBuffer()).byteLength, 5_000_000);
  await drained;
  await assert.rejects(fetch(`http://127.0.0.1:${port}/health/live`));
});

test("a drain ends when its grace is over", async (t) => {
  const { url, gateway, messages } = await startFakeNode(t);
  const called = deferred<void>();
  messages.answer = () => {
    called.resolve();
    return new Promise(() => {});
  };
  const hanging = fetch(`${url}/v1/call/demo/a/1`, { method: "POST", body: "x", headers: TEXT });
  hanging.catch(() => {});
  await called.promise;
  await gateway.drain(10);
  await assert.rejects(hanging);
});

test("an idle kept connection does not hold up a drain", async (t) => {
  const { port, gateway } = await startFakeNode(t);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const call = request({ port, host: "127.0.0.1", path: "/health/live", agent });
  call.end();
  const [response] = await once(call, "response");
  response.resume();
  await once(response, "end");
  await gateway.drain(60_000);
});

test("stopping twice, or while it drains, or before it starts, is harmless", async (t) => {
  const { gateway, url, messages, topics, admin, health } = await startFakeNode(t);
  messages.answer = () => new Promise(() => {});
  const hanging = fetch(`${url}/v1/call/demo/a/1`, { method: "POST", body: "x", headers: TEXT });
  hanging.catch(() => {});
  const drained = gateway.drain(60_000);
  await Promise.all([gateway.stop(), gateway.stop(), drained, gateway.drain(1)]);
  const logger = createLogger({ level: "silent" });
  const ports = { messages, topics, admin, health, logger, metrics: health.registry };
  const unstarted = new Gateway({ ...ports, host: "127.0.0.1", port: 0 });
  await unstarted.stop();
});

test("a port in use is named", async (t) => {
  const { port, messages, topics, admin, health } = await startFakeNode(t);
  const logger = createLogger({ level: "silent" });
  const ports = { messages, topics, admin, health, logger, metrics: health.registry };
  const second = new Gateway({ ...ports, host: "127.0.0.1", port });
  await assert.rejects(second.start(), {
    code: "CONFIG_INVALID",
    message: `cannot listen on 127.0.0.1:${port}: something else listens there`,
  });
});

test("what is no HTTP is not answered in the place of a request before it", async (t) => {
  const { port, messages } = await startFakeNode(t);
  const reply = deferred<CallResult>();
  messages.answer = () => reply.promise;
  const text = await exchangeRaw(port, `${CALL}content-length: 2\r\n\r\nhigarbage\r\n\r\n`);
  assert.equal(text, "");
});

test("an answer that is refused in full is not followed by a second one", async (t) => {
  const { port } = await startFakeNode(t, { maxBodyBytes: 100 });
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.end(`${CALL}content-length: 1000000\r\n\r\nhi`);
  const text = await readAll(socket);
  assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 413"]);
});

test("a request that is refused before its body is cut off has had its answer", async (t) => {
  const { port } = await startFakeNode(t);
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.write("POST /nowhere HTTP/1.1\r\nhost: node\r\ncontent-length: 100\r\n\r\nhi");
  await once(socket, "readable"); // the answer has come
  socket.end();
  const text = await readAll(socket);
  assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 404"]);
});

test("an expectation that nobody knows is refused with a code", async (t) => {
  const { port } = await startFakeNode(t);
  const text = await exchangeRaw(
    port,
    `${CALL}expect: magic\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
  );
  assert.match(text, /^HTTP\/1\.1 417 [\s\S]*"code":"REQUEST_INVALID"/);
});

test("answers queued behind one that nobody reads end with their connection", async (t) => {
  const { port, url, messages } = await startFakeNode(t);
  const large = { typename: "demo/T", hasValue: true, value: Buffer.alloc(5_000_000) };
  messages.answer = () => Promise.resolve({ kind: "reply", value: large, messageId: "m" });
  const held = async (name: string) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  };
  const socket = connect(port, "127.0.0.1");
  socket.write(`${CALL}content-length: 2\r\n\r\nhi`.repeat(4));
  await until("all to be answered", async () => (await held(UNSENT.name)) >= 20_000_000);
  assert.equal(await held(IN_FLIGHT.name), 4);
  socket.resetAndDestroy();
  await until("nothing to be held", async () => {
    return (await held(UNSENT.name)) === 0 && (await held(IN_FLIGHT.name)) === 0;
  });
});

test("readers who take nothing hold only so much, and not for long", async (t) => {
  const limits = { maxUnsentBytes: 25_000_000, answerStallMs: 300 };
  const { port, url, messages } = await startFakeNode(t, limits);
  const large = { typename: "demo/T", hasValue: true, value: Buffer.alloc(10_000_000) };
  messages.answer = () => Promise.resolve({ kind: "reply", value: large, messageId: "m" });
  const ask = () => {
    const socket = connect(port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.write(`${CALL}content-length: 0\r\n\r\n`);
    socket.pause();
  };
  for (let i = 0; i < 6; i++) ask();
  const held = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^statefold_http_unsent_bytes (\d+)$/m.exec(text)?.[1]);
  };
  await until("all to be answered", () => messages.called.length === 6);
  assert((await held()) <= 25_000_000);
  await until("the stalled to be cut off", async () => (await held()) === 0);
  // One piece: whoever reads it may be slow himself.
  const small = { ...large, value: Buffer.alloc(10) };
  messages.answer = () => Promise.resolve({ kind: "reply", value: small, messageId: "m" });
  const response = await fetch(`${url}/v1/call/demo/a/1`, { method: "POST", headers: TEXT });
  assert.equal((await response.arrayBuffer()).byteLength, 10);
});
