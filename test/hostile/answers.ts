/**
 * What a function's server answers, over real sockets. Behind each hostile answer the same address is called
 * properly: it must be served again, whatever became of the message before.
 */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { io } from "@statefold/sdk/protocol";
import type { Rng } from "../support/rng.ts";
import type { Attack } from "./attack.ts";
import { framesAnswering } from "./frames.ts";
import { type Answering, type HostileFunctions, httpAnswer, replying } from "./stage.ts";
import { anyFromFunction, delimited, int, tag, text, varint } from "./wire.ts";
import { anyText } from "./words.ts";

const { ToFunction } = io.statefun.sdk.reqreply;

const STRIKE = "strike";
/** Circuits that the answers have opened close again by then. */
const TIMEOUT_S = 60;

interface Script {
  readonly kind: string;
  readonly answer: Answering;
}

export function answersAttack(url: string, functions: HostileFunctions): Attack {
  const scripts = new Map<string, Script>();
  /** Ids whose call got its answer in a request of many. */
  const struckAlready = new Set<string>();
  functions.answering = (request) => {
    const batch = ToFunction.decode(request).invocation;
    const id = batch?.target?.id ?? "";
    // Alone: with the call behind it in one batch, it would take that along, answered without a reply.
    const isStruck = batch?.invocations?.every(
      ({ argument }) => Buffer.from(argument?.value ?? []).toString() === STRIKE,
    );
    if (!isStruck || struckAlready.has(id)) return replying;
    return scripts.get(id)?.answer ?? replying;
  };
  let chance: Rng | undefined;
  functions.answeringMany = framesAnswering(
    () => chance,
    (id, values) => {
      const isStruck = values.every((value) => Buffer.from(value).toString() === STRIKE);
      if (!isStruck || struckAlready.has(id)) return false;
      struckAlready.add(id);
      return true;
    },
  );
  let next = 0;
  return {
    name: "answers",
    atOnce: 24,
    strike: async (rng, show) => {
      chance ??= rng.fork();
      const script = anyScript(rng);
      show(script.kind);
      const id = `answers-${next++}`;
      scripts.set(id, script);
      const address = `hostile/t${rng.int(200)}/${id}`;
      const sent = await post(`${url}/v1/send/${address}`, STRIKE);
      assert.equal(sent.status, 202, sent.text);
      const called = await post(`${url}/v1/call/${address}?timeout=${TIMEOUT_S}s`, "again");
      assert.equal(called.status, 200, `${script.kind}: ${called.text}`);
      scripts.delete(id);
      struckAlready.delete(id);
      return script.kind;
    },
  };
}

async function post(url: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { "statefold-type": "hostile/T" };
  const response = await fetch(url, { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}

/** Served once, and properly from then on: for what is told again for as long as it lasts. */
function once(answer: Answering): Answering {
  let served = false;
  return (socket, request) => {
    if (served) return replying(socket, request);
    served = true;
    answer(socket, request);
  };
}

const always =
  (bytes: Uint8Array | string): Answering =>
  (socket) =>
    socket.write(bytes);

function anyScript(rng: Rng): Script {
  switch (rng.int(16)) {
    case 0: {
      const status = 100 + rng.int(500);
      const body = Buffer.from(rng.chance(0.5) ? anyText(rng) : rng.bytes(rng.int(300)));
      // 1xx is no answer by itself.
      const answer = httpAnswer(body, Math.max(200, status), ["content-type: text/plain"]);
      return {
        kind: `status ${Math.floor(Math.max(200, status) / 100)}xx`,
        answer: once(always(answer)),
      };
    }
    case 1: {
      const types = [
        "text/html",
        "application/json",
        "",
        "application/octet-streamx",
        "x".repeat(9_000),
      ];
      const body = anyFromFunction(rng, 0);
      const head = `HTTP/1.1 200 OK\r\ncontent-type: ${rng.pick(types)}\r\ncontent-length: ${body.byteLength}\r\n\r\n`;
      return {
        kind: "content type",
        answer: once(always(Buffer.concat([Buffer.from(head), body]))),
      };
    }
    case 2:
      return { kind: "content encoding", answer: encoded(rng) };
    case 3:
      return { kind: "wrong length", answer: once(wrongLength(rng)) };
    case 4:
      return {
        kind: "reset",
        answer: once((socket) => {
          const whole = httpAnswer(rng.bytes(200));
          socket.write(whole.subarray(0, rng.int(whole.byteLength)), () => {
            if (rng.chance(0.5)) socket.resetAndDestroy();
            else socket.destroy();
          });
        }),
      };
    case 5:
      return { kind: "no HTTP", answer: once(noHttp(rng)) };
    case 6: {
      const location = rng.pick([
        "/hostile",
        "http://127.0.0.1:1/",
        "//",
        "file:///etc/passwd",
        anyText(rng).replaceAll(/[^\x20-\x7e]/g, ""),
      ]);
      const status = rng.pick([301, 302, 303, 307, 308]);
      return {
        kind: "redirect",
        answer: once(always(httpAnswer(new Uint8Array(0), status, [`location: ${location}`]))),
      };
    }
    case 7:
      return {
        kind: "too large",
        answer: once(always(httpAnswer(Buffer.alloc(1_000_001 + rng.int(1_000_000), 0x12)))),
      };
    case 8:
      return { kind: "many effects", answer: once(always(httpAnswer(manyEffects(rng)))) };
    case 9:
      return { kind: "deep nesting", answer: once(always(httpAnswer(nested(rng)))) };
    case 10:
      return {
        kind: "two answers",
        answer: once(
          always(
            Buffer.concat([
              httpAnswer(anyFromFunction(rng, 0.1)),
              httpAnswer(anyFromFunction(rng, 0.1)),
            ]),
          ),
        ),
      };
    case 11:
      return rng.chance(0.05)
        ? { kind: "slow", answer: once(slow) }
        : { kind: "headers", answer: once(headers(rng)) };
    default:
      // Told again at each delivery, so that it is given up.
      return {
        kind: "FromFunction",
        answer: always(httpAnswer(anyFromFunction(rng, rng.pick([0, 0.05, 0.3])))),
      };
  }
}

function encoded(rng: Rng): Answering {
  const bomb = gzipSync(Buffer.alloc(20_000_000));
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ["gzip", bomb],
    ["gzip", gzipSync(anyFromFunction(rng, 0.1))],
    ["gzip", rng.bytes(50)],
    ["gzip", bomb.subarray(0, 40)],
    ["deflate", rng.bytes(50)],
    ["br", rng.bytes(50)],
    ["gzip, gzip", bomb],
    ["__proto__", rng.bytes(5)],
  ];
  const [encoding, body] = rng.pick(cases);
  return once(always(httpAnswer(body, 200, [`content-encoding: ${encoding}`])));
}

function wrongLength(rng: Rng): Answering {
  const head = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n";
  const body = "\xa2\x06\x00";
  const lengths = [
    "content-length: 1",
    "content-length: -3",
    "content-length: 3\r\ncontent-length: 5",
    "content-length: 99999999999999999999",
    "transfer-encoding: chunked",
    "content-length: 3\r\ntransfer-encoding: chunked",
    "content-length: x",
  ];
  const chosen = rng.pick(lengths);
  return (socket) => socket.end(Buffer.from(`${head}${chosen}\r\n\r\n${body}`, "latin1"));
}

function noHttp(rng: Rng): Answering {
  const texts = [
    "",
    "\r\n\r\n",
    "HTTP/1.1",
    "HTTP/9.9 200 OK\r\n\r\n",
    "HTTP/1.1 99999 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
  ];
  const bytes = rng.chance(0.3) ? rng.bytes(1 + rng.int(300)) : Buffer.from(rng.pick(texts));
  return (socket) => socket.end(bytes);
}

function headers(rng: Rng): Answering {
  const more = rng.pick([
    () => "x: y\r\n".repeat(20_000),
    () => `x: ${"y".repeat(100_000)}\r\n`,
    () => "set-cookie: a=b\r\n".repeat(500),
    () => "x: \0\r\n",
    () => "__proto__: x\r\nconstructor: y\r\n",
  ])();
  const start = rng.chance(0.3) ? "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n".repeat(50) : "";
  const text = `${start}HTTP/1.1 200 OK\r\n${more}content-type: application/octet-stream\r\ncontent-length: 0\r\n\r\n`;
  return (socket) => socket.write(text);
}

/** A byte now and then, until the call's time is over. */
const slow: Answering = (socket) => {
  socket.write(
    "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 1000\r\n\r\n",
  );
  const timer = setInterval(() => socket.write("\0"), 200);
  socket.on("close", () => clearInterval(timer));
};

function manyEffects(rng: Rng): Buffer {
  const effect = rng.pick([
    Buffer.of(0x12, 0),
    Buffer.of(0x1a, 0),
    Buffer.of(0x22, 0),
    Buffer.of(0x0a, 0),
  ]);
  const count = rng.pick([100, 2_000, 100_001, 400_000]);
  const list = Buffer.alloc(2 * count);
  for (let at = 0; at < list.byteLength; at += 2) effect.copy(list, at);
  return delimited(100, list);
}

function nested(rng: Rng): Buffer {
  let inner: Buffer = Buffer.concat([int(1, 1), text(3, "x")]);
  for (let depth = rng.int(5_000); depth > 0; depth--) inner = delimited(1 + rng.int(4), inner);
  const groups = Buffer.concat(Array.from({ length: rng.int(5_000) }, () => tag(7, 3)));
  return rng.chance(0.5) ? delimited(100, inner) : Buffer.concat([groups, varint(1)]);
}
