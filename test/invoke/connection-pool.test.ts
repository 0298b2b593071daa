import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { deferred } from "../../src/base/deferred.ts";
import { ConnectionPool } from "../../src/invoke/connection-pool.ts";
import { Exchange } from "../../src/invoke/exchange.ts";
import { urlFor } from "../../src/spec/endpoint-url.ts";
import { httpServer, OCTET_STREAM } from "./servers.ts";

const LIMITS = { deadlineAtMs: Number.MAX_SAFE_INTEGER, callMs: 0, readMs: 0, bodyMaxBytes: 1000 };

function aPool(t: TestContext, ttlMs: number, maxConnections: number): ConnectionPool {
  const settings = { connectMs: 60_000, writeMs: 0, tls: {}, random: () => 0.5 };
  const pool = new ConnectionPool({ ...settings, ttlMs, maxConnections });
  t.after(() => pool.close());
  return pool;
}

/** A server that says on which socket a request came, by number. */
async function countingServer(t: TestContext) {
  const sockets: object[] = [];
  const answer = await httpServer(t, (request, response) => {
    if (!sockets.includes(request.socket)) sockets.push(request.socket);
    response.writeHead(200, { "content-type": OCTET_STREAM });
    response.end(String(sockets.indexOf(request.socket)));
  });
  return answer;
}

async function ask(pool: ConnectionPool, url: string): Promise<string> {
  const connection = pool.take(urlFor({ urlPathTemplate: url }, "demo/f"), false);
  const request = { method: "POST", path: "/", body: Buffer.from("x") } as const;
  const ending = await new Exchange(connection, request, LIMITS).ending;
  pool.give(connection);
  assert(ending.kind === "answer");
  return ending.body.toString();
}

test("a connection past its time is closed though it is idle, and another takes its place", async (t) => {
  const url = await countingServer(t);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const pool = aPool(t, 15_000, 10);
  assert.equal(await ask(pool, url), "0");
  t.mock.timers.tick(16_999);
  assert.equal(await ask(pool, url), "0");
  assert.equal(pool.size, 1);
  t.mock.timers.tick(1);
  assert.equal(pool.size, 0);
  assert.equal(await ask(pool, url), "1");
});

test("a connection past its time finishes what it is doing", async (t) => {
  const url = await countingServer(t);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const pool = aPool(t, 15_000, 10);
  const answer = ask(pool, url);
  t.mock.timers.tick(20_000);
  assert.equal(await answer, "0");
  assert.equal(pool.size, 0);
});

test("an idle connection makes room for one to another place", async (t) => {
  const [first, second] = [await countingServer(t), await countingServer(t)];
  const pool = aPool(t, 0, 1);
  await ask(pool, first);
  await ask(pool, second);
  assert.equal(pool.size, 1);
});

test("a connection that the server closes while it is idle is forgotten", async (t) => {
  const closed = deferred<void>();
  const url = await httpServer(t, (request, response) => {
    response.writeHead(200, { "content-type": OCTET_STREAM }).end();
    response.once("finish", () => request.socket.end());
    request.socket.once("close", () => closed.resolve());
  });
  const pool = aPool(t, 0, 10);
  await ask(pool, url);
  await closed.promise;
  while (pool.size > 0) await setImmediate();
  assert.equal(pool.size, 0);
});
