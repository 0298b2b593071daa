import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { PlaygroundEgress } from "../../src/egress/playground.ts";
import { PlaygroundIngress, type PlaygroundIngressOptions } from "../../src/ingress/playground.ts";
import { readUntil } from "../gateway/http-client.ts";
import { until } from "../support/until.ts";

async function ingress(t: TestContext, options: Partial<PlaygroundIngressOptions>) {
  const started = new PlaygroundIngress({ port: 0, send: async () => {}, ...options });
  t.after(() => started.stop());
  await started.start();
  const post = (body: string) =>
    fetch(`http://127.0.0.1:${started.port}/ns/fn/1`, { method: "POST", body });
  return { started, post };
}

function open(t: TestContext, port: number | undefined): Socket {
  const socket = connect(port ?? 0, "127.0.0.1");
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  return socket;
}

const HALF = "POST /ns/fn/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n";

test("beyond maxRequests the playground's ingress refuses, and one that is answered makes room", async (t) => {
  const durable = deferred<void>();
  let sent = 0;
  const send = async () => {
    sent++;
    await durable.promise;
  };
  const { post } = await ingress(t, { maxRequests: 1, send });
  const first = post("a");
  await until("it to be taken", () => sent === 1);
  assert.equal((await post("b")).status, 429);
  durable.resolve();
  assert.equal((await first).status, 200);
  assert.equal((await post("c")).status, 200);
});

test("bodies held together have a bound there, too, and a body over it leaves no trace", async (t) => {
  const { started, post } = await ingress(t, { maxBufferedBytes: 100 });
  const slow = open(t, started.port);
  slow.write(`${HALF}${"x".repeat(60)}`);
  await until("what it has sent to count", async () => (await post("y".repeat(50))).status === 429);
  assert.equal((await post("y".repeat(30))).status, 200);
  slow.destroy();
  await until("its bytes to be free", async () => (await post("y".repeat(90))).status === 200);
});

test("a stop waits for nobody who still sends", async (t) => {
  const { started } = await ingress(t, {});
  const slow = open(t, started.port);
  slow.write(`${HALF}half`);
  await once(slow, "connect");
  await started.stop();
});

test("beyond maxConnections the playground's servers close one as it comes", async (t) => {
  const { started } = await ingress(t, { maxConnections: 1 });
  const egress = new PlaygroundEgress({ id: "ns/out", port: 0, topics: ["t"], maxConnections: 1 });
  t.after(() => egress.stop());
  await egress.start();
  for (const [port, line] of [
    [started.port, "POST /ns/fn/1 HTTP/1.1"],
    [egress.port, "GET /t HTTP/1.1"],
  ] as const) {
    const first = open(t, port);
    first.write(`${line}\r\nhost: x\r\ncontent-length: 0\r\n\r\n`);
    await readUntil(first, "HTTP/1.1");
    const second = open(t, port);
    second.resume();
    await once(second, "close");
  }
});
