import type { IncomingMessage, ServerResponse } from "node:http";
import type { FramesOut } from "../frames.ts";
import { type Functions, requestReplyHandler } from "../handler.ts";
import { Exchange, type Hold, joined, type StreamedAnswer } from "./exchange.ts";
import type { AdapterOptions } from "./options.ts";

/** Handles requests of node's own HTTP servers, and of frameworks that hand over the same two objects. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The functions as a handler for `http.createServer` and `https.createServer`, whatever the path.
 * The server must not have read the body already. Raise its `keepAliveTimeout` as `serve` does.
 */
export function nodeHandler(functions: Functions, options: AdapterOptions = {}): NodeHandler {
  const exchange = new Exchange(requestReplyHandler(functions), options);
  return (request, response) => {
    void respond(exchange, request, response);
  };
}

async function respond(
  exchange: Exchange,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers } = request;
  const head = {
    method: request.method ?? "",
    contentType: headers["content-type"],
    contentEncoding: headers["content-encoding"],
    contentLength: headers["content-length"],
  };
  const answer = await exchange.answerStreaming(head, (hold) => readBody(request, hold));
  if ("stream" in answer) return answer.stream(new ResponseOut(response, answer));
  if (response.destroyed) return; // nobody is listening any more
  // What was not read would be taken for the next request on this connection.
  if (!request.complete) response.setHeader("connection", "close");
  response.writeHead(answer.status, {
    ...answer.headers,
    "content-length": String(answer.body.length),
  });
  response.end(answer.body);
}

function readBody(request: IncomingMessage, hold: Hold): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const onData = (chunk: Uint8Array) => {
      try {
        hold(chunk);
        chunks.push(chunk);
        length += chunk.length;
      } catch (error) {
        request.off("data", onData);
        request.pause();
        reject(error);
      }
    };
    request.on("data", onData);
    request.on("end", () => resolve(joined(chunks, length)));
    request.on("error", reject);
  });
}

/** What fits in one piece goes out with its length; the rest in chunks. */
class ResponseOut implements FramesOut {
  readonly #response: ServerResponse;
  readonly #answer: StreamedAnswer;

  constructor(response: ServerResponse, answer: StreamedAnswer) {
    this.#response = response;
    this.#answer = answer;
  }

  get isGone(): boolean {
    return this.#response.destroyed;
  }

  begin(): void {
    const response = this.#response;
    if (response.headersSent) return;
    response.writeHead(this.#answer.status, this.#answer.headers);
    response.flushHeaders();
  }

  write(piece: Uint8Array): boolean {
    const response = this.#response;
    if (!response.headersSent) response.writeHead(this.#answer.status, this.#answer.headers);
    return response.write(piece);
  }

  drained(): Promise<void> {
    const response = this.#response;
    if (response.destroyed || !response.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        response.off("drain", done);
        response.off("close", done);
        resolve();
      };
      response.on("drain", done);
      response.on("close", done);
    });
  }

  end(last: Uint8Array): void {
    const response = this.#response;
    if (!response.headersSent) {
      const headers = { ...this.#answer.headers, "content-length": String(last.length) };
      response.writeHead(this.#answer.status, headers);
    }
    response.end(last);
  }
}
