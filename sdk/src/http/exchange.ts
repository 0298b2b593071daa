/**
 * HTTP as the protocol uses it, without any server: what a request must be, and what is answered. Success
 * is 200 with `application/octet-stream`; an error is its own status with `{"code", "message"}` as JSON.
 */
import { describeThrown, inspect, SdkError } from "../errors.ts";
import type { RequestReplyHandler } from "../handler.ts";
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

/** Counts a piece of a body against the bounds. */
export type Hold = (piece: Uint8Array) => void;

const encoder = new TextEncoder();

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
  async answer(
    head: RequestHead,
    readBody: (hold: Hold) => Uint8Array | Promise<Uint8Array>,
  ): Promise<Answer> {
    let held = 0;
    const hold: Hold = (piece) => {
      held += piece.length;
      this.#heldBytes += piece.length;
      if (held > this.#maxBodyBytes) throw tooLarge(this.#maxBodyBytes);
      if (this.#heldBytes > this.#maxBufferedBytes) throw overloaded(this.#maxBufferedBytes);
    };
    try {
      this.#check(head);
      const body = await readBody(hold);
      return {
        status: 200,
        headers: { "content-type": "application/octet-stream" },
        body: await this.#handler.handle(body),
      };
    } catch (thrown) {
      return this.#failure(thrown);
    } finally {
      this.#heldBytes -= held;
    }
  }

  #check(head: RequestHead): void {
    if (head.method !== "POST") {
      const served = this.#handler.typenames.join(", ");
      throw new SdkError(
        "METHOD_NOT_ALLOWED",
        `${head.method} means nothing here: a runtime calls functions with POST; served are ${served}`,
      );
    }
    const mediaType = (head.contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
    if (mediaType !== "" && mediaType !== "application/octet-stream") {
      const what = `content-type ${inspect(head.contentType)} is not application/octet-stream`;
      throw new SdkError("MEDIA_TYPE_UNSUPPORTED", what);
    }
    const encoding = head.contentEncoding ?? "identity";
    if (encoding !== "" && encoding.toLowerCase() !== "identity") {
      const what = `content-encoding ${inspect(encoding)} is not supported: send the body as it is`;
      throw new SdkError("MEDIA_TYPE_UNSUPPORTED", what);
    }
    if (Number(head.contentLength ?? 0) > this.#maxBodyBytes) throw tooLarge(this.#maxBodyBytes);
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
