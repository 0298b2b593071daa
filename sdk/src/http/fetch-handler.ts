import { type Functions, requestReplyHandler } from "../handler.ts";
import { Exchange, type Hold, joined } from "./exchange.ts";
import type { AdapterOptions } from "./options.ts";

export type FetchHandler = (request: Request) => Promise<Response>;

/** The functions as a handler of fetch-style requests: Deno, Bun, workers, and frameworks built on them. */
export function fetchHandler(functions: Functions, options: AdapterOptions = {}): FetchHandler {
  const exchange = new Exchange(requestReplyHandler(functions), options);
  return async (request) => {
    const { headers } = request;
    const head = {
      method: request.method,
      contentType: headers.get("content-type"),
      contentEncoding: headers.get("content-encoding"),
      contentLength: headers.get("content-length"),
    };
    const answer = await exchange.answer(head, (hold) => readBody(request, hold));
    // A view on a shared buffer is no BodyInit everywhere; the copy is of the answer only.
    const body = new Uint8Array(answer.body);
    return new Response(body, { status: answer.status, headers: { ...answer.headers } });
  };
}

async function readBody(request: Request, hold: Hold): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunksOf(request.body)) {
    length += chunk.length;
    hold(chunk);
    chunks.push(chunk);
  }
  return joined(chunks, length);
}

/** Not every runtime's streams are iterable. */
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let ended = false;
  try {
    while (true) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => undefined); // it has failed already
    reader.releaseLock();
  }
}
