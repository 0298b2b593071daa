import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { ArrivingRequest } from "../../src/gateway/arriving-request.ts";

type Came = { readonly request: ArrivingRequest; readonly response: ServerResponse };

/** A server that hands out what comes to it, and a way to send bytes to it. */
async function start(t: TestContext) {
  const came: ((it: Came) => void)[] = [];
  const server = createServer({ IncomingMessage: ArrivingRequest }, (request, response) => {
    came.shift()?.({ request, response });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  t.after(() => {
    socket.destroy();
    server.close();
  });
  const next = () => new Promise<Came>((resolve) => void came.push(resolve));
  return { socket, next };
}

const post = (bytes: number) => `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes}\r\n\r\n`;

/** Takes so many pieces, or all. */
function taking(request: ArrivingRequest, pieces = Number.POSITIVE_INFINITY) {
  const taken: Buffer[] = [];
  const all = deferred<string>();
  request.handTo({
    took: (chunk) => taken.length < pieces && taken.push(chunk) > 0,
    tookAll: () => all.resolve(Buffer.concat(taken).toString()),
  });
  return { all: all.promise, taken };
}

test("a body is taken as it comes, and the next request over the connection too", async (t) => {
  const { socket, next } = await start(t);
  for (const body of ["hello", "again", ""]) {
    const coming = next();
    socket.write(`${post(body.length)}${body.slice(0, 2)}`);
    const { request, response } = await coming;
    const { all } = taking(request);
    socket.write(body.slice(2));
    assert.equal(await all, body);
    const answered = once(socket, "data");
    response.end();
    assert.match(String(await answered), /^HTTP\/1\.1 200/);
  }
});

test("what came before anybody asked is not lost, however much it is", async (t) => {
  const { socket, next } = await start(t);
  const body = "x".repeat(1_000_000);
  const coming = next();
  socket.write(post(body.length) + body);
  const { request } = await coming;
  // Until the buffer is full, and the connection is read no further.
  while (!request.socket.isPaused() && request.socket.bytesRead < 16_384) {
    await new Promise(setImmediate);
  }
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  assert(request.socket.bytesRead < body.length, "it is not read to its end");
  assert.equal(await taking(request).all, body);
});

test("used as a stream it is one, whatever came before", async (t) => {
  const { socket, next } = await start(t);
  const coming = next();
  socket.write(`${post(10)}hello`);
  const { request } = await coming;
  await new Promise(setImmediate);
  socket.write("world");
  assert.equal(String(await buffer(request)), "helloworld");
});

test("who takes no more leaves the rest to be dropped, and the connection in order", async (t) => {
  const { socket, next } = await start(t);
  let coming = next();
  socket.write(`${post(200_005)}first`);
  const { request, response } = await coming;
  const { taken } = taking(request, 1);
  const answered = once(socket, "data");
  response.end();
  assert.match(String(await answered), /^HTTP\/1\.1 200/);
  coming = next();
  socket.write(`${"x".repeat(200_000)}${post(2)}ok`);
  assert.equal(await taking((await coming).request).all, "ok");
  assert.equal(String(Buffer.concat(taken)), "first");
});
