import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { DEFAULT_LIMITS } from "../../src/gateway/limits.ts";
import { MAX_PAGE } from "../../src/gateway/pages.ts";
import { type FakeNode, startFakeNode } from "../gateway/fake-node.ts";
import { exchangeRaw, problemOf, readUntil } from "../gateway/http-client.ts";
import { until, within } from "../support/until.ts";

const TEXT = { "content-type": "text/plain" };
const CALL = "POST /v1/call/demo/a/1 HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n";

async function metric(node: FakeNode, name: string): Promise<number> {
  const text = await (await fetch(`${node.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}

const post = (node: FakeNode, path: string) =>
  fetch(`${node.url}${path}`, { method: "POST", body: "x", headers: TEXT });

/** A connection whose other end is closed with the test. */
function open(t: TestContext, port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  return socket;
}

test("beyond maxReads lists and reads are refused, other requests are not, and then there is room", async (t) => {
  const node = await startFakeNode(t, { maxReads: 2 });
  const slow = deferred<void>();
  const { admin } = node;
  const list = admin.timers.bind(admin);
  let listing = 0;
  admin.timers = async (query) => {
    listing++;
    await slow.promise;
    return await list(query);
  };
  const first = [1, 2].map(() => fetch(`${node.url}/v1/admin/timers`));
  await until("both to be listing", () => listing === 2);
  for (const path of ["admin/dead", "admin/addresses", "admin/parked", "topics", "topics/t"]) {
    const refused = await fetch(`${node.url}/v1/${path}`);
    assert.equal(refused.status, 429, path);
    assert.match((await problemOf(refused)).detail, /2 lists and topics are being read/);
  }
  assert.equal((await fetch(`${node.url}/v1/admin/status`)).status, 200);
  assert.equal((await post(node, "/v1/send/demo/a/1")).status, 202);
  slow.resolve();
  for (const each of first) assert.equal((await each).status, 200);
  assert.equal((await fetch(`${node.url}/v1/admin/dead`)).status, 200);
});

test("beyond maxFollowers topics are followed no more, but read, and one that leaves makes room", async (t) => {
  const node = await startFakeNode(t, { maxFollowers: 1 });
  await post(node, "/v1/topics/orders");
  const caller = new AbortController();
  const follow = (signal?: AbortSignal) =>
    fetch(`${node.url}/v1/topics/orders?follow`, signal === undefined ? {} : { signal });
  assert.equal((await follow(caller.signal)).status, 200);
  const refused = await follow();
  assert.equal(refused.status, 429);
  assert.match((await problemOf(refused)).detail, /1 callers follow topics/);
  assert.equal((await fetch(`${node.url}/v1/topics/orders`)).status, 200);
  caller.abort();
  const second = new AbortController();
  t.after(() => second.abort());
  await until("room", async () => (await follow(second.signal)).status === 200);
});

/** Calls for a large reply and reads nothing of it. */
async function hoard(t: TestContext, node: FakeNode): Promise<Socket> {
  const bytes = 50_000_000;
  const value = { typename: "demo/x", hasValue: true, value: Buffer.alloc(bytes) };
  node.messages.answer = async () => ({ kind: "reply", value, messageId: "m-1" });
  const socket = open(t, node.port);
  socket.pause();
  socket.write(`${CALL}content-length: 1\r\n\r\nx`);
  await until("the answer to be held", async () => {
    return (await metric(node, "statefold_http_unsent_bytes")) > bytes / 2;
  });
  return socket;
}

test("a caller that takes nothing of its answer for answerStallMs is cut off, and its answer dropped", async (t) => {
  const node = await startFakeNode(t, { answerStallMs: 30 });
  await hoard(t, node);
  await until("the answer to be dropped", async () => {
    return (await metric(node, "statefold_http_unsent_bytes")) === 0;
  });
  assert.equal(await metric(node, "statefold_http_in_flight_requests"), 0);
  assert.equal((await post(node, "/v1/send/demo/a/1")).status, 202);
});

test("of answers that nobody takes the oldest is cut off beyond maxUnsentBytes, and nobody is refused", async (t) => {
  const node = await startFakeNode(t, { maxUnsentBytes: 60_000_000 });
  const oldest = await hoard(t, node);
  const isCutOff = once(oldest, "close");
  oldest.on("error", () => {}); // a reset is an end, too
  await hoard(t, node);
  oldest.resume();
  await isCutOff;
  assert.equal(await metric(node, "statefold_http_unsent_bytes"), 50_000_000);
  assert.equal((await post(node, "/v1/send/demo/a/1")).status, 202);
});

test("a follower that takes nothing for answerStallMs is cut off; one that there is nothing for is not", async (t) => {
  const node = await startFakeNode(t, { answerStallMs: 30, maxFollowers: 2 });
  const idle = open(t, node.port);
  const following = "GET /v1/topics/orders?follow&offset=latest HTTP/1.1\r\nhost: x\r\n\r\n";
  await post(node, "/v1/topics/orders");
  idle.write(following);
  await readUntil(idle, "x-ndjson");
  for (let i = 0; i < 10; i++) {
    await fetch(`${node.url}/v1/topics/big`, { method: "POST", body: "y".repeat(5_000_000) });
  }
  const stalled = open(t, node.port);
  stalled.pause();
  stalled.write("GET /v1/topics/big?follow HTTP/1.1\r\nhost: x\r\n\r\n");
  await until("it to follow", async () => {
    return (await metric(node, "statefold_http_in_flight_requests")) === 2;
  });
  await until("it to be cut off", async () => {
    return (await metric(node, "statefold_http_in_flight_requests")) === 1;
  });
  const more = readUntil(idle, '"value":"x"');
  await post(node, "/v1/topics/orders");
  await more;
});

test("beyond maxConnections one is closed as it comes, and one that leaves makes room", async (t) => {
  const node = await startFakeNode(t, { maxConnections: 1 });
  const first = open(t, node.port);
  const probe = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
  first.write(probe);
  await readUntil(first, "true");
  assert.equal(await exchangeRaw(node.port, "").catch(() => ""), "");
  first.end();
  await once(first, "close");
  await until("room", async () => {
    const next = open(t, node.port);
    next.write(probe);
    // Each try for itself: one that hangs keeps its place, and those that follow are closed.
    const isTaken = await within(
      "an answer or a close",
      Promise.race([
        readUntil(next, "true").then(() => true),
        once(next, "close").then(() => false),
      ]),
      { timeoutMs: 2_000 },
    );
    next.destroy();
    return isTaken;
  });
});

test("an idle connection is closed after keepAliveMs", async (t) => {
  const node = await startFakeNode(t, { keepAliveMs: 20 });
  const socket = open(t, node.port);
  const closed = once(socket, "close");
  socket.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
  assert.match(await readUntil(socket, "true"), /^keep-alive: timeout=0\r$/m);
  socket.resume();
  await closed;
});

test("a refused body is read no longer than lingerMs", async (t) => {
  const node = await startFakeNode(t, { maxBodyBytes: 10, lingerMs: 20 });
  const socket = open(t, node.port);
  socket.write(`${CALL}transfer-encoding: chunked\r\n\r\nc8\r\n${"x".repeat(200)}\r\n`);
  assert.match(await readUntil(socket, "VALUE_TOO_LARGE"), /^HTTP\/1\.1 413 /);
  socket.resume();
  await once(socket, "close");
});

test("a call waits callTimeoutMs unless it says how long, and no longer than maxCallTimeoutMs", async (t) => {
  const node = await startFakeNode(t);
  await post(node, "/v1/call/demo/a/1");
  await post(node, "/v1/call/demo/a/1?timeout=1h");
  const tooLong = await post(node, "/v1/call/demo/a/1?timeout=3601s");
  assert.equal(tooLong.status, 400);
  assert.match((await problemOf(tooLong)).detail, /timeout/);
  assert.deepEqual(
    node.messages.called.map(({ timeoutMs }) => timeoutMs),
    [DEFAULT_LIMITS.callTimeoutMs, DEFAULT_LIMITS.maxCallTimeoutMs],
  );
});

test("a page has MAX_PAGE entries at most, and the next begins where it ends", async (t) => {
  const node = await startFakeNode(t);
  node.admin.addressItems = Array.from({ length: MAX_PAGE + 1 }, (_, i) => ({
    address: { type: "demo/a", id: `${i}` },
    ...{ stateBytes: 1, pending: 0, parked: false },
  }));
  const list = async (query: string) => {
    const answer = await fetch(`${node.url}/v1/admin/addresses?${query}`);
    return { status: answer.status, page: (await answer.json()) as { items: []; next: string } };
  };
  assert.equal((await list(`limit=${MAX_PAGE + 1}`)).status, 400);
  const { page } = await list(`limit=${MAX_PAGE}`);
  assert.equal(page.items.length, MAX_PAGE);
  assert.equal((await list(`limit=${MAX_PAGE}&after=${page.next}`)).page.items.length, 1);
});

test("a read of a topic ends at MAX_READ_BYTES, and at MAX_RECORDS", async (t) => {
  const node = await startFakeNode(t);
  const value = Buffer.alloc(3 * 2 ** 20);
  const record = { key: undefined, value, headers: [], timestampMs: undefined };
  // One in each partition, since a partition is asked for no more than is left.
  const large = [0, 1, 2, 3, 4].map((partition) => ({ ...record, partition }));
  await node.topics.write("large", large);
  const lines = async (path: string) =>
    (await (await fetch(`${node.url}/v1/topics/${path}`)).text()).split("\n").length - 1;
  assert.equal(await lines("large"), 3);
  assert.equal(await lines("large?partition=4"), 1, "what is behind is read by asking for it");
  const empty = { ...record, value: Buffer.alloc(0), partition: 0 };
  const small = Array.from({ length: 10_001 }, () => empty);
  await node.topics.write("small", small);
  assert.equal(await lines("small?limit=10000"), 10_000);
  assert.equal((await fetch(`${node.url}/v1/topics/small?limit=10001`)).status, 400);
  assert.equal(await lines("small?partition=0&offset=10000"), 1);
});

test("a message may be delayed by MAX_DELAY_MS, and not by more", async (t) => {
  const node = await startFakeNode(t);
  assert.equal((await post(node, "/v1/send/demo/a/1?delay=36500d")).status, 202);
  assert.equal(node.messages.sent[0]?.delayMs, 36_500 * 86_400_000);
  assert.equal((await post(node, "/v1/send/demo/a/1?delay=36501d")).status, 400);
});

test("one request writes MAX_WRITE_RECORDS records at most, and of more it writes none", async (t) => {
  const node = await startFakeNode(t);
  const write = (lines: number) =>
    fetch(`${node.url}/v1/topics/orders`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: "{}\n".repeat(lines),
    });
  const refused = await write(100_001);
  assert.equal(refused.status, 413);
  assert.match((await problemOf(refused)).detail, /more than 100000 records; send them in several/);
  assert.equal(node.topics.topics.size, 0);
  assert.equal((await write(100_000)).status, 200);
});
