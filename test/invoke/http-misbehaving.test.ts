import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { aMessage } from "./invocations.ts";
import {
  anInvoker,
  call,
  httpServer,
  OCTET_STREAM,
  rawAnswer,
  rawServer,
  told,
} from "./servers.ts";

const HEAD = `HTTP/1.1 200 OK\r\ncontent-type: ${OCTET_STREAM}\r\n`;

test("an answer larger than the bound is not read to its end", async (t) => {
  let sent = 0;
  const url = await httpServer(t, (_, response) => {
    response.writeHead(200, { "content-type": OCTET_STREAM, "content-length": 1_000_000_000 });
    const chunk = Buffer.alloc(65_536);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.byteLength;
    };
    response.on("drain", more);
    more();
  });
  const invoker = await anInvoker(t, url, { payloadMaxBytes: 100_000 });
  assert.match(
    told(await call(invoker)),
    /^failed: .*more than 100000 bytes \(payload_max_bytes\)$/,
  );
  assert(sent < 100_000_000);
});

test("an endless answer is not read for ever", async (t) => {
  const url = await httpServer(t, (_, response) => {
    response.writeHead(200, { "content-type": OCTET_STREAM });
    const chunk = Buffer.alloc(65_536);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on("drain", more);
    more();
  });
  const invoker = await anInvoker(t, url, { payloadMaxBytes: 100_000 });
  assert.match(told(await call(invoker)), /^failed: .*more than 100000 bytes/);
});

test("a few bytes that unpack to many are refused", async (t) => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  const url = await httpServer(t, (_, response) => {
    response.writeHead(200, { "content-type": OCTET_STREAM, "content-encoding": "gzip" });
    response.end(bomb);
  });
  assert(bomb.byteLength < 100_000);
  const invoker = await anInvoker(t, url, { payloadMaxBytes: 100_000 });
  assert.match(told(await call(invoker)), /^failed: .*more than 100000 bytes .* once unpacked$/);
});

for (const [encoding, reason] of [
  ["gzip", /its gzip body is damaged: incorrect header check/],
  ["br", /its content encoding "br" was not asked for/],
] as const) {
  test(`bytes that are no ${encoding} though they say so fail`, async (t) => {
    const url = await rawServer(t, (socket) => {
      socket.write(rawAnswer("not packed", `content-encoding: ${encoding}`));
    });
    const outcome = told(await call(await anInvoker(t, url)));
    assert.match(outcome, /^failed/);
    assert.match(outcome, reason);
  });
}

test("a server that never answers is waited for as long as a call may take", async (t) => {
  const url = await rawServer(t, () => {});
  const outcome = await call(await anInvoker(t, url, { callMs: 40 }));
  assert.match(told(outcome), /^retryLater: .*: no complete answer within 40 ms$/);
});

test("a server that falls silent is waited for as long as silence may last", async (t) => {
  const url = await rawServer(t, (socket) => socket.write(`${HEAD}content-length: 5\r\n\r\nab`));
  const outcome = await call(await anInvoker(t, url, { readMs: 40 }));
  assert.match(told(outcome), /^retryLater: .*: nothing came in for 40 ms$/);
});

test("an answer that drips in is not silent, and ends with the call's time", async (t) => {
  const url = await rawServer(t, (socket) => {
    socket.write(`${HEAD}content-length: 1000\r\n\r\n`);
    const drip = setInterval(() => socket.write("a"), 5);
    socket.on("close", () => clearInterval(drip));
  });
  const outcome = await call(await anInvoker(t, url, { readMs: 100, callMs: 200 }));
  assert.match(told(outcome), /^retryLater: .*: no complete answer within 200 ms$/);
});

test("a server that takes nothing in is given up", async (t) => {
  const server = createServer((socket) => {
    socket.pause();
    socket.on("error", () => {});
    t.after(() => socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  const value = { typename: "demo/T", hasValue: true, value: Buffer.alloc(30_000_000) };
  const invoker = await anInvoker(t, `http://127.0.0.1:${address.port}`, { writeMs: 50 });
  const outcome = await call(invoker, { messages: [aMessage({ value })] });
  assert.match(told(outcome), /^retryLater: .*: the request did not move for 50 ms$/);
});

test("a port where nobody listens is the endpoint's trouble", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  server.close();
  await once(server, "close");
  const invoker = await anInvoker(t, `http://127.0.0.1:${address.port}`);
  assert.match(told(await call(invoker)), /^retryLater: .*ECONNREFUSED/);
});

test("a host nobody knows is the endpoint's trouble", async (t) => {
  const invoker = await anInvoker(t, "http://nobody.invalid:8000/");
  assert.match(told(await call(invoker)), /^retryLater: .*nobody\.invalid/);
});

test("a connection that does not come about is given up after its time", async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => {}); // and never a word: the TLS handshake waits
    t.after(() => socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  const invoker = await anInvoker(t, `https://127.0.0.1:${address.port}`, { connectMs: 40 });
  assert.match(told(await call(invoker)), /^retryLater: .*: no connection within 40 ms$/);
});

test("a reset before the first byte of a first request is the endpoint's trouble", async (t) => {
  let requests = 0;
  const url = await rawServer(t, (socket) => {
    requests++;
    socket.resetAndDestroy();
  });
  assert.match(told(await call(await anInvoker(t, url))), /^retryLater: /);
  assert.equal(requests, 1);
});

for (const [how, end] of [
  ["closed", "end"],
  ["reset", "resetAndDestroy"],
] as const) {
  test(`a used connection ${how} under a request is replaced at once`, async (t) => {
    const sockets = new Set<object>();
    const url = await rawServer(t, (socket, before) => {
      sockets.add(socket);
      if (before === 1) socket[end]();
      else socket.write(rawAnswer(""));
    });
    const invoker = await anInvoker(t, url);
    assert.equal(told(await call(invoker)), "reply");
    assert.equal(told(await call(invoker)), "reply");
    assert.equal(sockets.size, 2);
  });
}

test("a request is repeated once and not for ever", async (t) => {
  const url = await rawServer(t, (socket, before) => {
    if (before === 0) socket.write(rawAnswer(""));
    else socket.resetAndDestroy();
  });
  const invoker = await anInvoker(t, url);
  assert.equal(told(await call(invoker)), "reply");
  assert.match(told(await call(invoker)), /^retryLater: /);
});

test("a used connection that breaks within its answer is not replaced", async (t) => {
  let requests = 0;
  const url = await rawServer(t, (socket, before) => {
    requests++;
    if (before === 0) socket.write(rawAnswer(""));
    else socket.end("HTTP/1.1 2");
  });
  const invoker = await anInvoker(t, url);
  assert.equal(told(await call(invoker)), "reply");
  assert.match(told(await call(invoker)), /^retryLater: .*closed before the answer ended$/);
  assert.equal(requests, 2);
});

for (const [what, head] of [
  ["of stated length", `${HEAD}content-length: 1000\r\n\r\nabc`],
  ["in chunks", `${HEAD}transfer-encoding: chunked\r\n\r\n10\r\nabc`],
  ["of stated length, the last", `${HEAD}connection: close\r\ncontent-length: 1000\r\n\r\nabc`],
  [
    "in chunks, the last",
    `${HEAD}connection: close\r\ntransfer-encoding: chunked\r\n\r\n10\r\nabc`,
  ],
] as const) {
  test(`an answer ${what} that is cut off is the endpoint's trouble`, async (t) => {
    const url = await rawServer(t, (socket) => socket.end(head));
    assert.match(told(await call(await anInvoker(t, url))), /^retryLater: /);
  });
}

test("an answer longer than it says does not spoil the next one", async (t) => {
  const url = await rawServer(t, (socket) => {
    socket.write(`${HEAD}content-length: 0\r\n\r\n${"garbage ".repeat(10)}`);
  });
  const invoker = await anInvoker(t, url);
  for (let n = 0; n < 3; n++) {
    assert.match(told(await call(invoker)), /^(reply|retryLater: .*|failed: .* HTTP: .*)$/);
  }
});

const NO_HTTP = [
  ["garbage", Buffer.from(Array.from({ length: 300 }, (_, n) => (n * 7919) % 256))],
  ["another protocol", Buffer.from("220 mail.example ESMTP\r\n")],
  ["a length that is none", Buffer.from(`${HEAD}content-length: many\r\n\r\n`)],
  ["a flood of headers", Buffer.from(`${HEAD}${"x-flood: 1234567890\r\n".repeat(5000)}\r\n`)],
  ["one endless header", Buffer.from(`${HEAD}x: ${"y".repeat(200_000)}`)],
] as const;

for (const [what, bytes] of NO_HTTP) {
  test(`${what} for an answer fails the batch`, async (t) => {
    const url = await rawServer(t, (socket) => socket.write(bytes));
    assert.match(
      told(await call(await anInvoker(t, url))),
      /^failed: .* did not answer in HTTP: ./,
    );
  });
}

test("an answer given before the request has been taken in is an answer", async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 7\r\n\r\ntoo big");
      socket.resume();
    });
    t.after(() => socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  const value = { typename: "demo/T", hasValue: true, value: Buffer.alloc(10_000_000) };
  const invoker = await anInvoker(t, `http://127.0.0.1:${address.port}`);
  const outcome = await call(invoker, { messages: [aMessage({ value })] });
  assert.match(told(outcome), /^failed: .* answered 413: too big$/);
});

test("an interim answer is no answer", async (t) => {
  const url = await rawServer(t, (socket) => {
    socket.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
    socket.write(rawAnswer(""));
  });
  assert.equal(told(await call(await anInvoker(t, url))), "reply");
});

test("an endpoint that misbehaves once works again", async (t) => {
  const url = await rawServer(t, (socket, before) => {
    if (before % 2 === 0) socket.end("nonsense\r\n\r\n");
    else socket.write(rawAnswer(""));
  });
  const invoker = await anInvoker(t, url, {}, 1);
  for (let n = 0; n < 4; n++) {
    assert.match(told(await call(invoker)), /^failed: /);
    assert.equal(told(await call(invoker)), "reply");
  }
});
