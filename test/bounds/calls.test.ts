import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Connection } from "../../src/invoke/connection.ts";
import { ConnectionPool } from "../../src/invoke/connection-pool.ts";
import { Exchange } from "../../src/invoke/exchange.ts";
import { urlFor } from "../../src/spec/endpoint-url.ts";
import { anInvoker, call, httpServer, OCTET_STREAM, told } from "../invoke/servers.ts";
import { at, binding, Harness } from "../partition/harness.ts";
import { until } from "../support/until.ts";

const SETTINGS = { connectMs: 60_000, writeMs: 0, ttlMs: 0, random: () => 0.5 };
const LIMITS = { deadlineAtMs: Number.MAX_SAFE_INTEGER, callMs: 0, readMs: 0, bodyMaxBytes: 1000 };

async function ask(pool: ConnectionPool, url: string): Promise<void> {
  const connection = pool.take(urlFor({ urlPathTemplate: url }, "demo/f"), false);
  const request = { method: "POST", path: "/", body: Buffer.from("x") } as const;
  const ending = await new Exchange(connection, request, LIMITS).ending;
  pool.give(connection);
  assert.equal(ending.kind, "answer");
}

test("a connection that is idle for IDLE_MS is closed and forgotten, and the next request has another", async (t) => {
  const url = await httpServer(t, (_, response) => {
    response.writeHead(200, { "content-type": OCTET_STREAM }).end();
  });
  const pool = new ConnectionPool({ ...SETTINGS, maxConnections: 10, tls: {}, idleMs: 20 });
  t.after(() => pool.close());
  await ask(pool, url);
  assert.equal(pool.size, 1);
  await until("it to be closed", () => pool.size === 0);
  await ask(pool, url);
});

/** The compiled test runs in dist/. */
const fixture = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../test/invoke/fixtures/${name}`, import.meta.url)));

test("TLS sessions of SESSIONS_MAX origins are kept; one more begins anew", async (t) => {
  const server = createServer(
    { cert: fixture("test-server.pem"), key: fixture("test-server-key.pem") },
    (_, response) => response.writeHead(200, { "content-type": OCTET_STREAM }).end(),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origins = Array.from({ length: 1_000 }, (_, i) => [`https://${i}`, Buffer.of(1)] as const);
  const sessions = new Map<string, Buffer>(origins);
  const tls = { ca: fixture("test-ca.pem") };
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { ...SETTINGS, tls, sessions };
  const connection = new Connection(urlFor({ urlPathTemplate: url }, "demo/f"), options, () => {});
  t.after(() => connection.destroy());
  const request = { method: "POST", path: "/", body: Buffer.from("x") } as const;
  assert.equal((await new Exchange(connection, request, LIMITS).ending).kind, "answer");
  await until("its session", () => sessions.has(url));
  assert.equal(sessions.size, 1);
});

test("URLs of URLS_MAX types are remembered, and with more of them all are called where they are", async (t) => {
  const paths = new Set<string | undefined>();
  const url = await httpServer(t, (request, response) => {
    paths.add(request.url);
    response.writeHead(200, { "content-type": OCTET_STREAM }).end();
  });
  const invoker = await anInvoker(t, `${url}/{function.name}`);
  const types = Array.from({ length: 1_010 }, (_, i) => `demo/f${i}`);
  const outcomes = await Promise.all(
    [...types, ...types.slice(0, 3)].map((type) => call(invoker, { target: { type, id: "1" } })),
  );
  assert(outcomes.every((outcome) => told(outcome) === "reply"));
  assert.equal(paths.size, types.length);
});

test("the pauses of an address grow from initialMs to maxMs and no further, and end with the first success", async () => {
  const retry = { maxAttempts: 20, initialMs: 100, maxMs: 30_000 };
  const it = await Harness.open({ functions: { "test/function": binding({ retry }) } });
  it.settle(it.send(at("a"), "1"));
  const waits: number[] = [];
  for (let i = 0; i < 12; i++) {
    it.fail();
    const wakeAtMs = it.partition.delivery.wakeAtMs() ?? 0;
    waits.push(wakeAtMs - it.nowMs);
    it.pass(wakeAtMs - it.nowMs);
  }
  // Half of a step, and half of the other half: the random numbers of the harness.
  const steps = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000];
  assert.deepEqual(
    waits,
    steps.map((step) => step * 0.75),
  );
  it.reply();
  it.settle(it.send(at("a"), "2"));
  it.fail();
  assert.equal((it.partition.delivery.wakeAtMs() ?? 0) - it.nowMs, 75);
});

test("a batch of a module's own size ends at maxNumBatchRequests, and the rest is the next", async () => {
  const it = await Harness.open({
    functions: { "test/function": binding({ maxBatchMessages: 3 }) },
  });
  it.settle(it.send(at("a"), "0"));
  it.settle(...["1", "2", "3", "4"].map((text) => it.send(at("a"), text)));
  const batches: string[][] = [];
  for (; it.batch !== undefined; it.settle()) {
    batches.push(it.batch);
    it.reply();
  }
  assert.deepEqual(batches, [["0"], ["1", "2", "3"], ["4"]]);
});

test("a server that hangs up while it is idle costs nobody a call", async (t) => {
  // The counterpart of IDLE_MS: whose server has a shorter one.
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.end(`HTTP/1.1 200 OK\r\ncontent-type: ${OCTET_STREAM}\r\ncontent-length: 0\r\n\r\n`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const invoker = await anInvoker(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  for (let i = 0; i < 3; i++) assert.equal(told(await call(invoker)), "reply");
});
