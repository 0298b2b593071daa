import errors from "undici/lib/core/errors.js";
import { unreachable } from "../base/assert.ts";
import { fromUtf8 } from "../base/bytes.ts";
import type { Outcome } from "../model/invocation.ts";
import { decodeResponse } from "./decode-response.ts";
import { type AnswerHead, type Ending, ERROR_BODY_MAX_BYTES, isSuccess } from "./exchange.ts";
import { quote } from "./quote.ts";
import { unpack } from "./unpack.ts";

/** Codes that speak of the endpoint and not of what it was sent. */
const ENDPOINT_TROUBLE: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

const OCTET_STREAM = "application/octet-stream";

/**
 * What the ending of an exchange means. The one place where this is decided:
 *
 * | ending                                                        | outcome                             |
 * |---------------------------------------------------------------|-------------------------------------|
 * | 2xx, application/octet-stream, a readable FromFunction        | reply, or incomplete                |
 * | 2xx, application/octet-stream, no bytes                       | reply without effects               |
 * | 2xx otherwise: content type, encoding, unreadable, too large  | failed                              |
 * | 408, 429, 502, 503, 504                                       | retryLater                          |
 * | any other code                                                | failed, with the body's own words   |
 * | no connection, TLS refused, reset, closed before the end      | retryLater                          |
 * | a time limit reached; the call cancelled                      | retryLater                          |
 * | bytes that are not HTTP, too many headers                     | failed                              |
 *
 * @param from the URL, for the reason
 */
export async function classify(
  ending: Ending,
  from: string,
  bodyMaxBytes: number,
): Promise<Outcome> {
  switch (ending.kind) {
    case "answer":
      return isSuccess(ending.status)
        ? await classifySuccess(ending.head, ending.body, from, bodyMaxBytes)
        : await classifyRefusal(ending.status, ending.head, ending.body, from);
    case "tooLarge":
      return failed(`${from} answered with more than ${ending.maxBytes} bytes (payload_max_bytes)`);
    case "timeout":
      return retryLater(`${from}: ${ending.reason}`);
    case "cancelled":
      return retryLater(`${from}: the call was cancelled`);
    case "broken":
      return isNotHttp(ending.error)
        ? failed(`${from} did not answer in HTTP: ${describeTrouble(ending.error)}`)
        : retryLater(`${from}: ${describeTrouble(ending.error)}`);
    default:
      return unreachable(ending);
  }
}

async function classifySuccess(
  head: AnswerHead,
  body: Buffer,
  from: string,
  bodyMaxBytes: number,
): Promise<Outcome> {
  const { contentType, contentEncoding } = head;
  if (mediaType(contentType) !== OCTET_STREAM) {
    const found = contentType === undefined ? "without content type" : `with ${contentType}`;
    return failed(`${from} answered ${found} instead of ${OCTET_STREAM}${words(head, body)}`);
  }
  if (contentEncoding === undefined) return told(from, decodeResponse(body));
  const unpacked = await unpack(body, contentEncoding, bodyMaxBytes);
  switch (unpacked.kind) {
    case "bytes":
      return told(from, decodeResponse(unpacked.bytes));
    case "tooLarge":
      return failed(
        `${from} answered with more than ${bodyMaxBytes} bytes (payload_max_bytes) once unpacked`,
      );
    case "garbled":
      return failed(`${from} gave an answer that cannot be read: ${unpacked.reason}`);
    default:
      return unreachable(unpacked);
  }
}

async function classifyRefusal(
  status: number,
  head: AnswerHead,
  body: Buffer,
  from: string,
): Promise<Outcome> {
  const where = head.location === undefined ? "" : ` (to ${quote(head.location)})`;
  const unpacked = await unpack(body, head.contentEncoding, ERROR_BODY_MAX_BYTES);
  const said = unpacked.kind === "bytes" ? words(head, unpacked.bytes) : "";
  const reason = `${from} answered ${status}${where}${said}`;
  return ENDPOINT_TROUBLE.has(status) ? retryLater(reason) : failed(reason);
}

/** The failure of one call of a request of many: what its status would mean in an ordinary answer. */
export function classifyFailure(status: number, said: string, from: string): Outcome {
  const reason = `${from} answered ${status}${said === "" ? "" : `: ${quote(said)}`}`;
  return ENDPOINT_TROUBLE.has(status) ? retryLater(reason) : failed(reason);
}

/** A reason of the codec's, with the place it came from. */
export function told(from: string, outcome: Outcome): Outcome {
  return outcome.kind === "failed" ? failed(`${from}: ${outcome.reason}`) : outcome;
}

/** The body's own words: the message of an error of our SDK, or the beginning of any text. */
function words(head: AnswerHead, body: Uint8Array): string {
  const type = mediaType(head.contentType);
  if (body.byteLength === 0 || type === OCTET_STREAM) return "";
  const text = fromUtf8(body);
  const said = (type.endsWith("json") ? ownError(text) : undefined) ?? text;
  return `: ${quote(said)}`;
}

/** `{code, message}` as our SDK answers it. */
function ownError(text: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  if (!("message" in parsed) || typeof parsed.message !== "string") return undefined;
  const code = "code" in parsed && typeof parsed.code === "string" ? `${parsed.code}: ` : "";
  return `${code}${parsed.message}`;
}

export function mediaType(contentType: string | undefined): string {
  return contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function isNotHttp(error: Error): boolean {
  if (error instanceof errors.HTTPParserError) return !isCutOff(error);
  return error instanceof errors.HeadersOverflowError;
}

/** The parser's word for an end within an answer. */
function isCutOff(error: Error): boolean {
  return error.message.includes("Invalid EOF state");
}

/** The other side closed or reset the connection. */
export function isReset(error: Error): boolean {
  return ["ECONNRESET", "EPIPE", "ECONNABORTED", "UND_ERR_SOCKET"].includes(codeOf(error));
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Each address that a host name stands for may have failed in its own way. */
function describeTrouble(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map((each: unknown) => describeTrouble(asError(each))).join("; ");
  }
  if (codeOf(error) === "UND_ERR_SOCKET")
    return "the connection was closed before the answer ended";
  return error.message === "" ? codeOf(error) || error.name : error.message;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function failed(reason: string): Outcome {
  return { kind: "failed", reason };
}

function retryLater(reason: string): Outcome {
  return { kind: "retryLater", reason };
}
