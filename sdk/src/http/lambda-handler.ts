import { type Functions, requestReplyHandler } from "../handler.ts";
import { Exchange } from "./exchange.ts";
import type { AdapterOptions } from "./options.ts";

/** The part that is looked at of an API Gateway proxy event, v1 or v2, or of a function URL's event. */
export interface LambdaEvent {
  /** v1 */
  readonly httpMethod?: string;
  /** v2 and function URLs */
  readonly requestContext?: { readonly http?: { readonly method?: string } };
  readonly headers?: Readonly<Record<string, string | undefined>> | null;
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
}

export interface LambdaResult {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

export type LambdaHandler = (event: LambdaEvent) => Promise<LambdaResult>;

/**
 * The functions as a handler for AWS Lambda behind API Gateway (proxy integration, REST or HTTP API) or a
 * function URL. A REST API must list `application/octet-stream` among its binary media types, or the
 * gateway would mangle the bytes.
 */
export function lambdaHandler(functions: Functions, options: AdapterOptions = {}): LambdaHandler {
  const exchange = new Exchange(requestReplyHandler(functions), options);
  return async (event) => {
    const headers = new Map(
      Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const head = {
      method: event.httpMethod ?? event.requestContext?.http?.method ?? "",
      contentType: headers.get("content-type"),
      contentEncoding: headers.get("content-encoding"),
      contentLength: headers.get("content-length"),
    };
    const answer = await exchange.answer(head, (hold) => {
      const body = bodyOf(event);
      hold(body);
      return body;
    });
    const binary = answer.status === 200;
    return {
      statusCode: answer.status,
      headers: { ...answer.headers },
      body: binary ? toBase64(answer.body) : new TextDecoder().decode(answer.body),
      isBase64Encoded: binary,
    };
  };
}

function bodyOf(event: LambdaEvent): Uint8Array {
  const body = event.body ?? "";
  if (!event.isBase64Encoded) return new TextEncoder().encode(body);
  const binary = atob(body);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function toBase64(bytes: Uint8Array): string {
  const pieceBytes = 0x8000; // what a call may take as arguments
  let binary = "";
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    binary += String.fromCharCode(...bytes.subarray(at, at + pieceBytes));
  }
  return btoa(binary);
}
