import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { type TestContext, test } from "node:test";
import { Connections } from "../../src/gateway/connections.ts";
import type { Exchange } from "../../src/gateway/exchange.ts";

/** As much of a socket as a connection looks at. */
class FakeSocket extends EventEmitter {
  bytesRead = 10;
  destroyed = false;
  timeout = 0;

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }

  setTimeout(ms: number): void {
    this.timeout = ms;
  }
}

function start(t: TestContext) {
  let nowMs = 0;
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(performance, "now", () => nowMs);
  const pass = (ms: number) => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  const socket = new FakeSocket();
  const exchange = () => ({ request: { socket } }) as unknown as Exchange;
  return { connections: new Connections(60_000), socket, exchange, pass };
}

test("a connection is idle from its last answer on, and closed a look later", (t) => {
  const { connections, socket, exchange, pass } = start(t);
  const [first, second, third] = [exchange(), exchange(), exchange()];
  connections.add(first);
  connections.add(second);
  connections.end(first);
  pass(100_000);
  connections.end(second);
  pass(59_000);
  connections.add(third);
  pass(100_000);
  connections.end(third);
  pass(60_000);
  assert.equal(socket.destroyed, false);
  pass(1_000);
  assert.equal(socket.destroyed, true);
  connections.end(third);
  pass(100_000);
});

test("one over which a request begins to come in is not closed", (t) => {
  const { connections, socket, exchange, pass } = start(t);
  const one = exchange();
  connections.add(one);
  connections.end(one);
  pass(60_000);
  socket.bytesRead++;
  pass(100_000);
  assert.equal(socket.destroyed, false);
});

test("the time that an answer had to be taken ends with it", (t) => {
  const { connections, socket, exchange } = start(t);
  const one = exchange();
  connections.add(one);
  socket.timeout = 30_000;
  connections.end(one);
  assert.equal(socket.timeout, 0);
});
