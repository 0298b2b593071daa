import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { closeServer, listen } from "../../../src/base/listen.ts";
import { atEnd, type Scope } from "../cleanup.ts";

/** What becomes of one request to an S3 server. */
export type Fate =
  | "pass"
  /** Nothing is done, and the answer is this status and code, such as `503 SlowDown`. */
  | `${number} ${string}`
  /** Nothing is done, and the connection breaks. */
  | "reset"
  /** It is done, and the connection breaks before the answer. */
  | "lost"
  /** It is done, and the connection breaks in the middle of the answer's body. */
  | "cut"
  /** It is done, and one bit of the answer's body is another. */
  | "damaged"
  /** Nothing is read, and there is no answer. */
  | "stall";

/** A network between a client and an S3 server, whose moods a test decides. */
export interface S3Proxy {
  readonly endpoint: string;
  /** Every request so far: "PUT /bucket/key?query". */
  readonly seen: string[];
  /** Bytes of answers that the client's connections have taken. */
  answeredBytes: number;
  /** The fate of a request. Until it is set, everything passes. */
  decide: (line: string) => Fate;
}

export async function startProxy(t: Scope, endpoint: string): Promise<S3Proxy> {
  const server = createServer((incoming, answer) => {
    const line = `${incoming.method} ${incoming.url}`;
    proxy.seen.push(line);
    incoming.on("error", () => {});
    answer.on("error", () => {});
    pass(proxy, endpoint, incoming, answer, proxy.decide(line));
  });
  const port = await listen(server, "127.0.0.1", 0);
  const proxy: S3Proxy = {
    endpoint: `http://127.0.0.1:${port}`,
    seen: [],
    answeredBytes: 0,
    decide: () => "pass",
  };
  atEnd(t, () => closeServer(server));
  return proxy;
}

function pass(
  proxy: S3Proxy,
  endpoint: string,
  incoming: IncomingMessage,
  answer: ServerResponse,
  fate: Fate,
): void {
  if (fate === "stall") return;
  if (fate === "reset") {
    incoming.destroy();
    return;
  }
  const [, status, code] = /^(\d+) (.*)$/.exec(fate) ?? [];
  if (status !== undefined) {
    incoming.resume().once("end", () => {
      answer.writeHead(Number(status), { "content-type": "application/xml" });
      answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
    });
    return;
  }
  // The host stays that of the client's request: its signature covers it.
  const { method, url, headers } = incoming;
  const forwarded = request(`${endpoint}${url}`, { method, headers }, (reply) => {
    if (fate === "lost") {
      reply.resume().once("end", () => answer.destroy());
      return;
    }
    answer.writeHead(reply.statusCode ?? 500, reply.headers);
    relay(proxy, reply, answer, fate);
  });
  forwarded.on("error", () => answer.destroy());
  incoming.pipe(forwarded);
}

function relay(proxy: S3Proxy, reply: IncomingMessage, answer: ServerResponse, fate: Fate): void {
  const half = Number(reply.headers["content-length"] ?? 0) / 2;
  let sent = 0;
  answer.once("close", () => reply.destroy());
  reply.on("error", () => answer.destroy());
  reply.on("data", (chunk: Buffer) => {
    if (fate === "damaged" && sent === 0) chunk[0] = (chunk[0] ?? 0) ^ 1;
    if (fate === "cut" && sent + chunk.byteLength > half) {
      reply.pause();
      answer.write(chunk.subarray(0, half - sent), () => answer.destroy());
      return;
    }
    sent += chunk.byteLength;
    proxy.answeredBytes += chunk.byteLength;
    if (answer.write(chunk)) return;
    reply.pause();
    answer.once("drain", () => reply.resume());
  });
  reply.on("end", () => answer.end());
}
