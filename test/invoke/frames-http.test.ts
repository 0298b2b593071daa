import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { nodeHandler, statefulFunction, types } from "@statefold/sdk";
import { FRAMES_TYPE, io } from "@statefold/sdk/protocol";
import type { Invoker } from "../../src/invoke/contract.ts";
import type { Outcome } from "../../src/model/invocation.ts";
import { invokerContract } from "../contracts/invoker.ts";
import { until } from "../support/until.ts";
import { aMessage } from "./invocations.ts";
import { anInvoker, call, httpServer, OCTET_STREAM, rawServer, told } from "./servers.ts";

const { ToFunctions, FromFunctions } = io.statefun.sdk.reqreply;

const OFFER = { "content-type": OCTET_STREAM, "statefold-frames": "1" };
const FRAMES = { "content-type": FRAMES_TYPE };

invokerContract("single", (t, url, { callMs = 60_000, concurrency }) =>
  anInvoker(t, url, { type: "okhttp", callMs }, concurrency),
);

invokerContract("frames", (t, url, { callMs = 60_000, concurrency }) =>
  anInvoker(t, url, { type: "frames", callMs }, concurrency),
);

/** A server that counts what it is asked, and answers each frame with nothing, or as it is told. */
class Server {
  /** "1" for an ordinary request, else how many calls a request held. */
  readonly seen: string[] = [];
  /** What becomes of a request of frames. */
  onFrames: (response: import("node:http").ServerResponse, frames: readonly number[]) => void = (
    response,
    frames,
  ) => response.writeHead(200, FRAMES).end(answerTo(frames));
  offers = true;
  url = "";

  static async start(t: TestContext): Promise<Server> {
    const server = new Server();
    server.url = await httpServer(t, (request, response, body) => {
      if (request.headers["content-type"] !== FRAMES_TYPE) {
        server.seen.push("1");
        response.writeHead(200, server.offers ? OFFER : { "content-type": OCTET_STREAM }).end();
        return;
      }
      const frames = ToFunctions.decode(body).calls.map(({ frame }) => frame ?? 0);
      server.seen.push(`frames ${frames.length}`);
      server.onFrames(response, frames);
    });
    return server;
  }
}

function answerTo(frames: readonly number[]): Uint8Array {
  return FromFunctions.encode({ answers: frames.map((frame) => ({ frame })) }).finish();
}

function calls(invoker: Invoker, count: number): Promise<Outcome[]> {
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      call(invoker, { target: { type: "demo/greeter", id: `id-${i}` } }),
    ),
  );
}

function kinds(outcomes: readonly Outcome[]): string[] {
  return [...new Set(outcomes.map(({ kind }) => kind))];
}

test("an endpoint that offers frames gets many calls in one request from then on", async (t) => {
  const server = await Server.start(t);
  const invoker = await anInvoker(t, server.url);
  assert.equal(invoker.isOnFrames, false);
  assert.equal((await call(invoker)).kind, "reply");
  assert.equal(invoker.isOnFrames, true);
  assert.deepEqual(kinds(await calls(invoker, 20)), ["reply"]);
  assert.deepEqual(server.seen, ["1", "frames 20"]);
});

test("an endpoint that does not offer frames is asked one by one", async (t) => {
  const server = await Server.start(t);
  server.offers = false;
  const invoker = await anInvoker(t, server.url);
  await calls(invoker, 2);
  await calls(invoker, 2);
  assert.deepEqual(server.seen, ["1", "1", "1", "1"]);
  assert.equal(invoker.isOnFrames, false);
});

test("with okhttp no offer is taken", async (t) => {
  const server = await Server.start(t);
  const invoker = await anInvoker(t, server.url, { type: "okhttp" });
  await call(invoker);
  await call(invoker);
  assert.deepEqual(server.seen, ["1", "1"]);
});

test("a module that says frames need not be offered any, and has another way where they are unknown", async (t) => {
  const server = await Server.start(t);
  server.onFrames = (response) => response.writeHead(415).end("no such type");
  const invoker = await anInvoker(t, server.url, { type: "frames" });
  assert.deepEqual(kinds(await calls(invoker, 3)), ["reply"]);
  assert.deepEqual(server.seen, ["frames 3", "1", "1", "1"]);
  assert.equal(invoker.isOnFrames, false);
});

for (const [what, refuse] of [
  ["415", (response) => response.writeHead(415).end()],
  ["500 without a word", (response) => response.writeHead(500).end()],
  ["an answer of the old kind", (response) => response.writeHead(200, OFFER).end()],
  ["a page", (response) => response.writeHead(200, { "content-type": "text/html" }).end("hello")],
  [
    "frames that are packed",
    (response) =>
      response
        .writeHead(200, { ...FRAMES, "content-encoding": "gzip" })
        .end(gzipSync(answerTo([1, 2, 3]))),
  ],
  ["nonsense", (response) => response.writeHead(200, FRAMES).end("hello")],
  ["an answer to nobody", (response) => response.writeHead(200, FRAMES).end(answerTo([77]))],
  ["no answers at all", (response) => response.writeHead(200, FRAMES).end()],
] as const satisfies readonly (readonly [string, Server["onFrames"]])[]) {
  test(`${what} to a request of frames: each call goes alone, and so do later ones`, async (t) => {
    const server = await Server.start(t);
    const invoker = await anInvoker(t, server.url);
    await call(invoker);
    server.onFrames = refuse;
    assert.deepEqual(kinds(await calls(invoker, 3)), ["reply"]);
    assert.deepEqual(kinds(await calls(invoker, 2)), ["reply"]);
    assert.deepEqual(server.seen, ["1", "frames 3", "1", "1", "1", "1", "1"]);
  });
}

test("503 to a request of frames is the endpoint's trouble, for all of its calls", async (t) => {
  const server = await Server.start(t);
  const invoker = await anInvoker(t, server.url);
  await call(invoker);
  server.onFrames = (response) => response.writeHead(503).end("busy");
  for (const outcome of await calls(invoker, 3)) {
    assert.match(told(outcome), /^retryLater: .*answered 503: busy$/);
  }
  assert.deepEqual(server.seen, ["1", "frames 3"]);
});

test("413 to a request of frames: each call goes alone, and later requests are smaller", async (t) => {
  const server = await Server.start(t);
  const invoker = await anInvoker(t, server.url);
  await call(invoker);
  server.onFrames = (response, frames) =>
    frames.length > 2
      ? response.writeHead(413).end()
      : response.writeHead(200, FRAMES).end(answerTo(frames));
  const value = { typename: "demo/blob", hasValue: true, value: Buffer.alloc(150_000) };
  const three = () =>
    Promise.all(
      ["a", "b", "c"].map((id) =>
        call(invoker, { target: { type: "demo/greeter", id }, messages: [aMessage({ value })] }),
      ),
    );
  assert.deepEqual(kinds(await three()), ["reply"]);
  assert.deepEqual(kinds(await three()), ["reply"]);
  const after = server.seen.splice(0);
  assert.deepEqual(after, ["1", "frames 3", "1", "1", "1", "frames 1", "frames 1", "frames 1"]);
});

test("a call that no request of frames can hold goes alone", async (t) => {
  const server = await Server.start(t);
  const invoker = await anInvoker(t, server.url);
  await call(invoker);
  const value = { typename: "demo/blob", hasValue: true, value: Buffer.alloc(1_000_000) };
  await Promise.all([call(invoker, { messages: [aMessage({ value })] }), call(invoker)]);
  assert.deepEqual(server.seen.sort(), ["1", "1", "frames 1"]);
});

test("a connection that is lost in the middle: what was answered counts, the rest is tried later", async (t) => {
  const server = await Server.start(t);
  const invoker = await anInvoker(t, server.url);
  await call(invoker);
  server.onFrames = (response, frames) => {
    response.writeHead(200, FRAMES);
    const whole = Buffer.from(answerTo(frames));
    const third = whole.byteLength / 3;
    response.write(whole.subarray(0, third * 2 - 1), () => response.destroy());
  };
  const outcomes = await calls(invoker, 3);
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ["reply", "retryLater", "retryLater"],
  );
  assert.match(told(outcomes[2] as Outcome), /closed before the answer ended/);
  assert.deepEqual(server.seen, ["1", "frames 3"]);
});

test("a call that a complete answer leaves out goes alone, the others do not go again", async (t) => {
  const server = await Server.start(t);
  const invoker = await anInvoker(t, server.url);
  await call(invoker);
  server.onFrames = (response, frames) =>
    response.writeHead(200, FRAMES).end(answerTo(frames.slice(1)));
  assert.deepEqual(kinds(await calls(invoker, 3)), ["reply"]);
  assert.deepEqual(server.seen, ["1", "frames 3", "1"]);
});

test("an answer that is too large goes alone, where it fails by itself", async (t) => {
  const server = await Server.start(t);
  const invoker = await anInvoker(t, server.url, { payloadMaxBytes: 1_000 });
  await call(invoker);
  server.onFrames = (response, frames) => {
    const message = "x".repeat(2_000);
    const [first = 0, ...rest] = frames;
    const large = FromFunctions.encode({ answers: [{ frame: first, failure: { message } }] });
    response.writeHead(200, FRAMES).end(Buffer.concat([answerTo(rest), large.finish()]));
  };
  assert.deepEqual(kinds(await calls(invoker, 3)), ["reply"]);
  assert.deepEqual(server.seen, ["1", "frames 3", "1"]);
});

test("a server that closes an idle connection just now is asked again, at once", async (t) => {
  let asked = 0;
  const url = await rawServer(t, (socket, before) => {
    asked++;
    if (before === 1) return socket.destroy();
    const body = Buffer.from(answerTo([1]));
    const type = before === 0 ? `${OCTET_STREAM}\r\nstatefold-frames: 1` : FRAMES_TYPE;
    const bytes = before === 0 ? Buffer.alloc(0) : body;
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${bytes.length}\r\n\r\n`,
    );
    return socket.write(bytes);
  });
  const invoker = await anInvoker(t, url);
  await call(invoker);
  assert.equal((await call(invoker)).kind, "reply");
  assert.equal(asked, 3);
});

test("an answer that ends with its connection, and whose content type has parameters, is as good", async (t) => {
  const asked: number[] = [];
  const url = await rawServer(t, (socket, before) => {
    asked.push(before);
    const [head, body] =
      before === 0
        ? [`${OCTET_STREAM}\r\nstatefold-frames: 1\r\ncontent-length: 0`, ""]
        : [`${FRAMES_TYPE.toUpperCase()}; v=1`, answerTo([1, 2])];
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${head}\r\n\r\n`);
    if (before > 0) socket.end(body);
  });
  const invoker = await anInvoker(t, url);
  await call(invoker);
  assert.deepEqual(kinds(await calls(invoker, 2)), ["reply"]);
  assert.deepEqual(kinds(await calls(invoker, 2)), ["reply"]); // frames again, without a new offer
  assert.deepEqual(asked, [0, 1, 2]);
});

test("a few requests at a time, and what is ready meanwhile shares the next", async (t) => {
  const server = await Server.start(t);
  const invoker = await anInvoker(t, server.url);
  await call(invoker);
  const open: (() => void)[] = [];
  server.onFrames = (response, frames) =>
    open.push(() => response.writeHead(200, FRAMES).end(answerTo(frames)));
  const waiting: Promise<Outcome[]>[] = [];
  for (const round of [1, 2]) {
    waiting.push(calls(invoker, 1));
    await until("the request", () => open.length === round);
  }
  // Sooner than a request is taken for a slow one, or each of these would have one of its own.
  for (let i = 0; i < 10; i++) waiting.push(calls(invoker, 1));
  const answering = setInterval(() => open.shift()?.(), 1);
  for (const each of waiting) assert.deepEqual(kinds(await each), ["reply"]);
  clearInterval(answering);
  assert.deepEqual(server.seen.slice(0, 4), ["1", "frames 1", "frames 1", "frames 10"]);
});

test("through a proxy that gathers answers, one call that hangs does not hold up those that come later", async (t) => {
  const slow = statefulFunction("demo/greeter").on(types.raw("demo/Greeting"), (ctx) =>
    ctx.self.id === "hangs" ? new Promise<void>(() => {}) : undefined,
  );
  const functions = createServer(nodeHandler([slow])).listen(0, "127.0.0.1");
  await once(functions, "listening");
  const { port } = functions.address() as AddressInfo;
  t.after(() => {
    functions.closeAllConnections();
    functions.close();
  });
  const seen: string[] = [];
  const proxy = await httpServer(t, (incoming, outgoing, body) => {
    seen.push(incoming.headers["content-type"] === FRAMES_TYPE ? "frames" : "1");
    const { method = "", headers } = incoming;
    const behind = httpRequest({ port, host: "127.0.0.1", method, headers }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("end", () => {
        const { "transfer-encoding": _, ...rest } = answer.headers;
        outgoing.writeHead(answer.statusCode ?? 502, rest).end(Buffer.concat(pieces));
      });
    });
    behind.on("error", () => outgoing.destroy());
    behind.end(body);
  });
  const invoker = await anInvoker(t, proxy);
  const to = (id: string) => call(invoker, { target: { type: "demo/greeter", id } });
  assert.equal((await to("ada")).kind, "reply");
  void to("hangs");
  const fellow = to("bob"); // in the same request
  await until("a call to go alone", async () => {
    void to("eve");
    return seen.slice(1).includes("1");
  });
  assert.equal((await to("joe")).kind, "reply");
  await invoker.close();
  assert.equal((await fellow).kind, "retryLater");
});
