/**
 * HTTP as the protocol uses it, without any server: what a request must be, and what is answered. Success
 * is 200 with `application/octet-stream`; an error is its own status with `{"code", "message"}` as JSON.
 */
import { describeThrown, inspect, SdkError } from "../errors.ts";
import { callsOf, FramesAnswer, type FramesOut } from "../frames.ts";
import type { RequestReplyHandler } from "../handler.ts";
import { FRAMES_HEADER, FRAMES_TYPE, FRAMES_VERSION } from "../protocol.ts";
import {
  type AdapterOptions,
  DEFAULT_MAX_BODY_BYTES,
  DEFAULT_MAX_BUFFERED_BYTES,
} from "./options.ts";

export interface RequestHead {
  readonly method: string;
  readonly contentType: string | null | undefined;
  readonly contentEncoding: string | null | undefined;
  readonly contentLength: string | null | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The answer to a request of many calls, whose body comes piece by piece. */
export interface StreamedAnswer {
  readonly status: 200;
  readonly headers: Readonly<Record<string, string>>;
  /** To be called, once. Resolves when the answer has ended; rejects with what `onError` throws. */
  stream(out: FramesOut): Promise<void>;
}

const OCTET_STREAM = "application/octet-stream";

/** The headers of every success: what else this server understands. */
const OFFER = { [FRAMES_HEADER]: FRAMES_VERSION };

/** Counts a piece of a body against the bounds. */
export type Hold = (piece: Uint8Array) => void;

const encoder = new TextEncoder();

type Body = (hold: Hold) => Uint8Array | Promise<Uint8Array>;

export class Exchange {
  readonly #maxBodyBytes: number;
  readonly #maxBufferedBytes: number;
  #heldBytes = 0;
  readonly #handler: RequestReplyHandler;
  readonly #onError: AdapterOptions["onError"];

  constructor(handler: RequestReplyHandler, options: AdapterOptions) {
    this.#handler = handler;
    this.#maxBodyBytes = options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
    this.#maxBufferedBytes = options.maxBufferedBytes ?? DEFAULT_MAX_BUFFERED_BYTES;
    this.#onError = options.onError;
  }

  /**
   * Whatever happens is an answer; it rejects only with what `onError` throws. `readBody` is called only for
   * a request worth reading, and hands each piece to `hold` before it keeps it: that throws when it is too much.
   */
  answer(head: RequestHead, readBody: Body): Promise<Answer> {
    return this.#attend(async (hold) => {
      this.#check(head, false);
      return await this.#single(await readBody(hold), {});
    });
  }

  /**
   * The same, of a server that can stream: it offers to take many calls in one request. `stream` of the
   * answer is to be called even when nobody is there any more.
   */
  answerStreaming(head: RequestHead, readBody: Body): Promise<Answer | StreamedAnswer> {
    return this.#attend(async (hold, keep) => {
      const isMany = this.#check(head, true);
      const body = await readBody(hold);
      if (!isMany) return await this.#single(body, OFFER);
      const calls = callsOf(body);
      const release = keep();
      return {
        status: 200,
        headers: { "content-type": FRAMES_TYPE, ...OFFER },
        stream: (out) =>
          new FramesAnswer(this.#handler, this.#onError, calls, out).run().finally(release),
      };
    });
  }

  /** `keep`: what is held of the body stays so until the function it returns is called. */
  async #attend<T>(
    attend: (hold: Hold, keep: () => () => void) => Promise<T>,
  ): Promise<T | Answer> {
    let held = 0;
    const hold: Hold = (piece) => {
      held += piece.length;
      this.#heldBytes += piece.length;
      if (held > this.#maxBodyBytes) throw tooLarge(this.#maxBodyBytes);
      if (this.#heldBytes > this.#maxBufferedBytes) throw overloaded(this.#maxBufferedBytes);
    };
    const keep = (): (() => void) => {
      const kept = held;
      held = 0;
      return () => {
        this.#heldBytes -= kept;
      };
    };
    try {
      return await attend(hold, keep);
    } catch (thrown) {
      return this.#failure(thrown);
    } finally {
      this.#heldBytes -= held;
    }
  }

  async #single(body: Uint8Array, offer: Readonly<Record<string, string>>): Promise<Answer> {
    return {
      status: 200,
      headers: { "content-type": OCTET_STREAM, ...offer },
      body: await this.#handler.answer(body),
    };
  }

  /** Whether the request is one of many calls. */
  #check(head: RequestHead, streams: boolean): boolean {
    if (head.method !== "POST") {
      const served = this.#handler.typenames.join(", ");
      throw new SdkError(
        "METHOD_NOT_ALLOWED",
        `${head.method} means nothing here: a runtime calls functions with POST; served are ${served}`,
      );
    }
    const mediaType = (head.contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
    const isMany = streams && mediaType === FRAMES_TYPE;
    if (mediaType !== "" && mediaType !== OCTET_STREAM && !isMany) {
      const what = `content-type ${inspect(head.contentType)} is not application/octet-stream`;
      throw new SdkError("MEDIA_TYPE_UNSUPPORTED", what);
    }
    const encoding = head.contentEncoding ?? "identity";
    if (encoding !== "" && encoding.toLowerCase() !== "identity") {
      const what = `content-encoding ${inspect(encoding)} is not supported: send the body as it is`;
      throw new SdkError("MEDIA_TYPE_UNSUPPORTED", what);
    }
    if (Number(head.contentLength ?? 0) > this.#maxBodyBytes) throw tooLarge(this.#maxBodyBytes);
    return isMany;
  }

  #failure(thrown: unknown): Answer {
    const error =
      thrown instanceof SdkError
        ? thrown
        : new SdkError("REQUEST_MALFORMED", `the request broke off: ${describeThrown(thrown)}`, {
            cause: thrown,
          });
    this.#onError?.(error);
    const { code, message, status } = error;
    return {
      status,
      headers: {
        "content-type": "application/json",
        ...(status === 405 ? { allow: "POST" } : {}),
      },
      body: encoder.encode(JSON.stringify({ code, message })),
    };
  }
}

function overloaded(maxBytes: number): SdkError {
  return new SdkError("OVERLOADED", `requests of ${maxBytes} bytes are being handled already`);
}

function tooLarge(maxBytes: number): SdkError {
  return new SdkError("BODY_TOO_LARGE", `the request's body is larger than ${maxBytes} bytes`);
}

/** The chunks of a body as one array. */
export function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
