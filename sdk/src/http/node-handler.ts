import type { IncomingMessage, ServerResponse } from "node:http";
import { type Functions, requestReplyHandler } from "../handler.ts";
import { Exchange, type Hold, joined } from "./exchange.ts";
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
  const answer = await exchange.answer(head, (hold) => readBody(request, hold));
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
