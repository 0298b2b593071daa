import { performance } from "node:perf_hooks";
import { FRAMES_HEADER } from "@statefold/sdk/protocol";
import type { Dispatcher } from "undici";
import type { Connection } from "./connection.ts";

/**
 * One request and its answer on one connection, within bounds of time and memory. It says what happened;
 * what that means is said in classify.ts.
 */
export type Ending =
  /** The head of an answer and as much of its body as was wanted. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly head: AnswerHead;
      readonly body: Buffer;
    }
  /** The body outgrew the bound; the rest was not read. */
  | { readonly kind: "tooLarge"; readonly maxBytes: number }
  | { readonly kind: "timeout"; readonly reason: string }
  | { readonly kind: "cancelled" }
  /** The connection could not be made, or broke, or what came was not HTTP. */
  | { readonly kind: "broken"; readonly error: Error };

/** The headers of an answer that mean something here. */
export interface AnswerHead {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly location: string | undefined;
  /** The versions of frames that the server takes. */
  readonly frames: string | undefined;
}

/** Takes a successful answer as it comes, instead of having it whole at the end. */
export interface Stream {
  /** Whether this is an answer for it; any other is gathered. */
  begins(head: AnswerHead): boolean;
  took(piece: Buffer): void;
}

export interface ExchangeLimits {
  /** By `performance.now()`. */
  readonly deadlineAtMs: number;
  /** The budget the deadline came from; for the reason. */
  readonly callMs: number;
  /** Silence allowed once the request has gone out; 0: any. */
  readonly readMs: number;
  readonly bodyMaxBytes: number;
}

/** Of an answer that is no success only so much is read: enough to say what it was about. */
export const ERROR_BODY_MAX_BYTES = 16 * 1024;

interface Headers {
  readonly [name: string]: string | string[] | undefined;
  readonly location?: string;
}

const NO_HEAD: AnswerHead = {
  contentType: undefined,
  contentEncoding: undefined,
  location: undefined,
  frames: undefined,
};

const TIMER_MAX_MS = 2 ** 31 - 1;

export class Exchange implements Dispatcher.DispatchHandler {
  readonly ending: Promise<Ending>;
  readonly #connection: Connection;
  readonly #limits: ExchangeLimits;
  readonly #chunks: Buffer[] = [];
  #resolve: ((ending: Ending) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When something last moved; undefined while there is no connection yet. */
  #activeAtMs: number | undefined;
  #status = 0;
  #head: AnswerHead = NO_HEAD;
  #bodyBytes = 0;
  readonly #stream: Stream | undefined;
  #isStreamed = false;

  constructor(
    connection: Connection,
    request: Dispatcher.DispatchOptions,
    limits: ExchangeLimits,
    stream?: Stream,
  ) {
    this.#connection = connection;
    this.#limits = limits;
    this.#stream = stream;
    this.ending = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#watch();
    connection.send(request, this);
  }

  cancel(): void {
    this.#cut({ kind: "cancelled" });
  }

  onRequestStart(): void {
    this.#activeAtMs = performance.now();
  }

  onResponseStart(_: unknown, status: number, headers: Headers): void {
    this.#activeAtMs = performance.now();
    this.#status = status;
    this.#head = {
      contentType: first(headers["content-type"]),
      contentEncoding: first(headers["content-encoding"]),
      location: first(headers.location),
      frames: first(headers[FRAMES_HEADER]),
    };
    this.#isStreamed = isSuccess(status) && this.#stream?.begins(this.#head) === true;
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    if (this.#resolve === undefined) return;
    this.#activeAtMs = performance.now();
    if (this.#isStreamed) {
      this.#stream?.took(chunk);
      return;
    }
    this.#bodyBytes += chunk.byteLength;
    this.#chunks.push(chunk);
    if (!isSuccess(this.#status)) {
      if (this.#bodyBytes > ERROR_BODY_MAX_BYTES) this.#cut(this.#answer());
    } else if (this.#bodyBytes > this.#limits.bodyMaxBytes) {
      this.#cut({ kind: "tooLarge", maxBytes: this.#limits.bodyMaxBytes });
    }
  }

  onResponseEnd(): void {
    this.#end(this.#answer());
  }

  onResponseError(_: unknown, error: Error): void {
    this.#end({ kind: "broken", error });
  }

  #answer(): Ending {
    const [only] = this.#chunks;
    const body =
      this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    return { kind: "answer", status: this.#status, head: this.#head, body };
  }

  /** One timer for the whole time and the silence: it looks at what has moved when it fires. */
  #watch(): void {
    const nowMs = performance.now();
    const limitAtMs = this.#limitAtMs(nowMs);
    if (nowMs >= limitAtMs) {
      // Perhaps it was we who stood still: what lies in the socket is read before the limit counts.
      setImmediate(() => this.#judge());
      return;
    }
    // Rounded up: a timer that fires early would only be set again.
    const waitMs = Math.ceil(limitAtMs - nowMs);
    this.#timer = setTimeout(() => this.#watch(), Math.min(waitMs, TIMER_MAX_MS));
  }

  #judge(): void {
    if (this.#resolve === undefined) return;
    const nowMs = performance.now();
    if (nowMs < this.#limitAtMs(nowMs)) this.#watch();
    else this.#cut({ kind: "timeout", reason: this.#limitReached(nowMs) });
  }

  /** When the next limit is reached if nothing moves. */
  #limitAtMs(nowMs: number): number {
    const { deadlineAtMs, readMs } = this.#limits;
    if (readMs === 0) return deadlineAtMs;
    // Silence counts from when the request is out; a slow way out is the connection's to watch.
    const sinceMs = this.#connection.writing ? nowMs : (this.#activeAtMs ?? nowMs);
    return Math.min(deadlineAtMs, sinceMs + readMs);
  }

  #limitReached(nowMs: number): string {
    const { deadlineAtMs, callMs, readMs } = this.#limits;
    if (nowMs < deadlineAtMs) return `nothing came in for ${readMs} ms`;
    const what = this.#activeAtMs === undefined ? "no connection" : "no complete answer";
    return `${what} within ${callMs} ms`;
  }

  /** Ends before the answer does, and the connection with it. */
  #cut(ending: Ending): void {
    if (this.#resolve === undefined) return;
    this.#end(ending);
    void this.#connection.destroy();
  }

  #end(ending: Ending): void {
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    this.#resolve = undefined;
    clearTimeout(this.#timer);
    this.#chunks.length = 0;
    resolve(ending);
  }
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function first(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}
