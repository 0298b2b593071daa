import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { deferred } from "../../src/base/deferred.ts";
import { outcomeOf } from "../support/outcomes.ts";
import { anInvocation, wire } from "./invocations.ts";
import { anInvoker, call, httpServer, OCTET_STREAM, told } from "./servers.ts";

const MISSING = wire('aa 06 20 0a 1e 0a 05 "state" 1a 15 "io.statefun.types/int"');

test("a request goes out as StateFun sends it", async (t) => {
  let seen: string[] = [];
  const url = await httpServer(t, (request, response, body) => {
    const host = request.headers.host === new URL(url).host;
    const { host: _, ...headers } = request.headers;
    seen = [
      `${request.method} ${request.url}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      `host as in the URL: ${host}, length as sent: ${headers["content-length"] === `${body.byteLength}`}`,
    ];
    response.writeHead(200, { "content-type": OCTET_STREAM }).end();
  });
  const invoker = await anInvoker(t, `${url}/statefun/{function.name}?v=1`);
  assert.equal((await call(invoker)).kind, "reply");
  assert.deepEqual(
    seen.filter((line) => !line.startsWith("content-length")),
    [
      "POST /statefun/greeter?v=1",
      "connection: keep-alive",
      "content-type: application/octet-stream",
      "accept: application/octet-stream",
      "accept-encoding: gzip,deflate",
      "user-agent: statefun",
      "host as in the URL: true, length as sent: true",
    ],
  );
});

test("an answer is read, its content type whatever its case and parameters", async (t) => {
  const url = await httpServer(t, (_, response) => {
    response.setHeader("content-type", "Application/Octet-Stream; charset=utf-8");
    response.end(MISSING);
  });
  assert.equal((await call(await anInvoker(t, url))).kind, "incomplete");
});

const PACKED = [
  ["gzip", gzipSync(MISSING)],
  ["deflate", deflateSync(MISSING)],
  ["deflate", deflateRawSync(MISSING)],
  ["identity", MISSING],
] as const;

for (const [encoding, body] of PACKED) {
  test(`an answer in ${encoding} of ${body.byteLength} bytes is unpacked`, async (t) => {
    const url = await httpServer(t, (_, response) => {
      response.writeHead(200, { "content-type": OCTET_STREAM, "content-encoding": encoding });
      response.end(body);
    });
    assert.equal((await call(await anInvoker(t, url))).kind, "incomplete");
  });
}

test("connections are kept and used again", async (t) => {
  const ports = new Set<number | undefined>();
  const url = await httpServer(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.writeHead(200, { "content-type": OCTET_STREAM }).end();
  });
  const invoker = await anInvoker(t, url);
  for (let n = 0; n < 5; n++) assert.equal((await call(invoker)).kind, "reply");
  assert.equal(ports.size, 1);
});

for (const status of [408, 429, 502, 503, 504]) {
  test(`${status} is the endpoint's trouble`, async (t) => {
    const url = await httpServer(t, (_, response) => response.writeHead(status).end("later"));
    assert.match(told(await call(await anInvoker(t, url))), new RegExp(`^retryLater: .*${status}`));
  });
}

for (const status of [301, 307, 400, 404, 409, 413, 500, 501, 505]) {
  test(`${status} is the batch's trouble`, async (t) => {
    const url = await httpServer(t, (_, response) => response.writeHead(status).end("no good"));
    const outcome = told(await call(await anInvoker(t, url)));
    assert.match(outcome, new RegExp(`^failed: http://.* answered ${status}: no good$`));
  });
}

test("an error of the SDK is told by its code and message", async (t) => {
  const url = await httpServer(t, (_, response) => {
    response.writeHead(500, { "content-type": "application/json; charset=utf-8" });
    response.end('{"code":"HANDLER_FAILED","message":"demo/greeter ada: no such plan"}');
  });
  assert.match(
    told(await call(await anInvoker(t, url))),
    /answered 500: HANDLER_FAILED: demo\/greeter ada: no such plan$/,
  );
});

test("an error is quoted on one line, and not whole when it is long", async (t) => {
  const url = await httpServer(t, (_, response) => {
    response.writeHead(500, { "content-type": "text/html", "content-encoding": "gzip" });
    response.end(gzipSync(`<h1>\n\tOops\u001b[31m</h1>${"x".repeat(5000)}`));
  });
  const outcome = told(await call(await anInvoker(t, url)));
  assert.match(outcome, /answered 500: <h1> Oops \[31m<\/h1>x+…$/);
  assert(outcome.length < 400);
});

test("an error without a word is told by its code alone", async (t) => {
  const url = await httpServer(t, (_, response) => response.writeHead(500).end());
  assert.match(told(await call(await anInvoker(t, url))), /^failed: http:\/\/.* answered 500$/);
});

test("an endless error page is read as far as it is quoted", async (t) => {
  const url = await httpServer(t, (_, response) => {
    response.writeHead(500);
    const more = (): void => {
      while (!response.destroyed && response.write("sorry ".repeat(1000)));
    };
    response.on("drain", more);
    more();
  });
  assert.match(told(await call(await anInvoker(t, url))), /^failed: .* answered 500: sorry sorry/);
});

const WRONG_CONTENT = [
  ["text/html", "<html>A login page</html>", /with text\/html instead of .*: <html>A login page/],
  [undefined, "", /without content type instead of application\/octet-stream/],
  [OCTET_STREAM, "<html>", /the answer cannot be read/],
] as const;

for (const [type, body, reason] of WRONG_CONTENT) {
  test(`200 of ${type ?? "no type"} holding ${JSON.stringify(body)} fails`, async (t) => {
    const url = await httpServer(t, (_, response) => {
      if (type !== undefined) response.setHeader("content-type", type);
      response.end(body);
    });
    const outcome = told(await call(await anInvoker(t, url)));
    assert.match(outcome, /^failed/);
    assert.match(outcome, reason);
  });
}

test("a redirect is not followed, and the reason says where it leads", async (t) => {
  const url = await httpServer(t, (_, response) => {
    response.writeHead(308, { location: "/elsewhere" }).end();
  });
  assert.match(told(await call(await anInvoker(t, url))), /answered 308 \(to \/elsewhere\)$/);
});

test("okhttp follows a redirect that keeps the request", async (t) => {
  const url = await httpServer(t, (request, response, body) => {
    if (request.url === "/") {
      response.writeHead(307, { location: "/elsewhere?a=b" }).end();
    } else {
      const isWhole = request.method === "POST" && body.byteLength > 0;
      response.writeHead(isWhole ? 200 : 400, { "content-type": OCTET_STREAM }).end();
    }
  });
  assert.equal((await call(await anInvoker(t, url, { type: "okhttp" }))).kind, "reply");
});

test("okhttp does not follow a redirect that would lose the batch", async (t) => {
  const url = await httpServer(t, (_, response) => {
    response.writeHead(302, { location: "/login" }).end();
  });
  const invoker = await anInvoker(t, url, { type: "okhttp" });
  assert.match(told(await call(invoker)), /^failed: .* answered 302 \(to \/login\)$/);
});

test("redirects in a circle end", async (t) => {
  const url = await httpServer(t, (_, response) => {
    response.writeHead(308, { location: "/" }).end();
  });
  const invoker = await anInvoker(t, url, { type: "okhttp" });
  assert.match(told(await call(invoker)), /^failed: .* redirects again, after 5 redirects/);
});

test("a function behind a Unix socket is called", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "statefold-"));
  const server = createServer((request, response) => {
    const isRight = request.url === "/some/path?x=1";
    response.writeHead(isRight ? 200 : 404, { "content-type": OCTET_STREAM }).end();
  }).listen(join(folder, "f.sock"));
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const invoker = await anInvoker(t, `http+unix://${folder}/f.sock/some/path?x=1`);
  assert.equal(told(await call(invoker)), "reply");
});

test("no more requests are in flight than the endpoint may have, and all are answered in turn", async (t) => {
  const held: (() => void)[] = [];
  let open = 0;
  let openMax = 0;
  const url = await httpServer(t, (_, response) => {
    openMax = Math.max(openMax, ++open);
    held.push(() => {
      open--;
      response.writeHead(200, { "content-type": OCTET_STREAM }).end();
    });
    if (held.length === 3) for (const answer of held.splice(0)) answer();
  });
  const invoker = await anInvoker(t, url, {}, 3);
  const outcomes = await Promise.all(Array.from({ length: 12 }, () => call(invoker)));
  assert.deepEqual(new Set(outcomes.map(told)), new Set(["reply"]));
  assert.equal(openMax, 3);
});

test("the pool's size bounds the requests in flight as well", async (t) => {
  const ports = new Set<number | undefined>();
  const url = await httpServer(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.writeHead(200, { "content-type": OCTET_STREAM }).end();
  });
  const invoker = await anInvoker(t, url, { poolSize: 2 });
  await Promise.all(Array.from({ length: 10 }, () => call(invoker)));
  assert.equal(ports.size, 2);
});

test("a function that hangs keeps no other of its endpoint waiting", async (t) => {
  const hanging = deferred<void>();
  const url = await httpServer(t, (request, response) => {
    if (request.url === "/hangs") hanging.resolve();
    else response.writeHead(200, { "content-type": OCTET_STREAM }).end();
  });
  const invoker = await anInvoker(t, `${url}/{function.name}`, {}, 1);
  void call(invoker, { target: { type: "demo/hangs", id: "a" } });
  await hanging.promise;
  assert.equal(told(await call(invoker, { target: { type: "demo/other", id: "a" } })), "reply");
});

test("an aborted signal ends a call in flight and one that waits its turn", async (t) => {
  const arrival = deferred<void>();
  const url = await httpServer(t, () => arrival.resolve());
  const invoker = await anInvoker(t, url, {}, 1);
  const controller = new AbortController();
  const flying = outcomeOf(invoker, anInvocation(), controller.signal);
  const waiting = outcomeOf(invoker, anInvocation(), controller.signal);
  await arrival.promise;
  controller.abort();
  assert.match(told(await flying), /^retryLater: .* the call was cancelled$/);
  assert.match(told(await waiting), /^retryLater: the call was cancelled before it was sent$/);
  assert.match(
    told(await outcomeOf(invoker, anInvocation(), controller.signal)),
    /before it was sent/,
  );
});

test("closing ends what is in flight and what comes later, and may be done twice", async (t) => {
  const arrival = deferred<void>();
  const url = await httpServer(t, () => arrival.resolve());
  const invoker = await anInvoker(t, url);
  const flying = call(invoker);
  await arrival.promise;
  await Promise.all([invoker.close(), invoker.close()]);
  assert.match(told(await flying), /^retryLater/);
  assert.match(told(await call(invoker)), /^retryLater/);
});

test("a name that makes no URL fails its batch", async (t) => {
  const invoker = await anInvoker(t, "http://{function.name}.example:8000/");
  const outcome = await call(invoker, { target: { type: "demo/evil@host", id: "a" } });
  assert.match(
    told(outcome),
    /^failed: the call could not be made: no URL for .* part of the host/,
  );
});

test("a batch that cannot be encoded fails", async (t) => {
  const invoker = await anInvoker(t, "http://127.0.0.1:1/");
  assert.match(told(await call(invoker, { messages: [] })), /^failed: .*at least one message/);
});
