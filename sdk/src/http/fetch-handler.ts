import type { FramesOut } from "../frames.ts";
import { type Functions, requestReplyHandler } from "../handler.ts";
import { Exchange, type Hold, joined, type StreamedAnswer } from "./exchange.ts";
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
    const answer = await exchange.answerStreaming(head, (hold) => readBody(request, hold));
    if ("stream" in answer) return streamed(answer);
    // A view on a shared buffer is no BodyInit everywhere; the copy is of the answer only.
    const body = new Uint8Array(answer.body);
    return new Response(body, { status: answer.status, headers: { ...answer.headers } });
  };
}

/** The head is there at once, whatever its body takes. */
function streamed(answer: StreamedAnswer): Response {
  const out = new StreamOut();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => out.open(controller),
    pull: () => out.pulled(),
    cancel: () => out.close(),
  });
  void answer.stream(out).catch((error: unknown) => out.fail(error)); // of `onError`
  return new Response(body, { status: answer.status, headers: { ...answer.headers } });
}

class StreamOut implements FramesOut {
  isGone = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #onPull: (() => void) | undefined;

  open(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
  }

  pulled(): void {
    this.#onPull?.();
    this.#onPull = undefined;
  }

  close(): void {
    this.isGone = true;
    this.pulled();
  }

  fail(error: unknown): void {
    this.isGone = true;
    this.#controller?.error(error);
  }

  begin(): void {
    // The response has been handed over with its head.
  }

  write(piece: Uint8Array): boolean {
    this.#controller?.enqueue(piece);
    return (this.#controller?.desiredSize ?? 1) > 0;
  }

  drained(): Promise<void> {
    if (this.isGone || (this.#controller?.desiredSize ?? 1) > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onPull = resolve;
    });
  }

  end(last: Uint8Array): void {
    if (last.length > 0) this.#controller?.enqueue(last);
    this.#controller?.close();
  }
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
