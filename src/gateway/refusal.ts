import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ArrivingRequest } from "./arriving-request.ts";
import { keepAliveOf } from "./exchange.ts";
import type { GatewayLimits } from "./limits.ts";
import { Problem } from "./problem.ts";

const PROBLEM_JSON = "application/problem+json";

/**
 * Answers a problem. When the request's body has not been taken, and is long or of unknown length, the
 * connection ends with the answer; but only after the body was taken and dropped for a while (bounded in
 * time and bytes), since a connection closed under a sender loses it the answer.
 */
export function answerProblem(
  request: ArrivingRequest,
  response: ServerResponse,
  problem: Problem,
  limits: GatewayLimits,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = problem.body();
  const length = Buffer.byteLength(body);
  const lines = ["content-type", PROBLEM_JSON, "content-length", String(length)];
  for (const [name, value] of Object.entries(headersOf(problem))) lines.push(name, value);
  const isAwaitingContinue = request.headers.expect !== undefined && !request.complete;
  const mustClose = problem.options.close === true || isAwaitingContinue || isLong(request, limits);
  if (mustClose) lines.push("connection", "close");
  else if (response.shouldKeepAlive) lines.push("keep-alive", keepAliveOf(limits));
  response.writeHead(problem.status, lines);
  if (!mustClose || isAwaitingContinue || request.complete) {
    response.end(body);
    request.dropBody();
    return;
  }
  response.write(body);
  linger(request, response, limits);
}

function headersOf(problem: Problem): Readonly<Record<string, string>> {
  const isBusy = problem.status === 429 || problem.status === 503;
  return isBusy
    ? { "retry-after": "1", ...problem.options.headers }
    : (problem.options.headers ?? {});
}

function isLong(request: IncomingMessage, limits: GatewayLimits): boolean {
  if (request.complete) return false;
  const { headers } = request;
  if (headers["transfer-encoding"] !== undefined) return true;
  return Number(headers["content-length"] ?? 0) > limits.maxBodyBytes;
}

function linger(request: IncomingMessage, response: ServerResponse, limits: GatewayLimits): void {
  let dropped = 0;
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, limits.lingerMs);
  timer.unref();
  request.on("data", (chunk: Buffer) => {
    dropped += chunk.byteLength;
    if (dropped > limits.lingerBytes) end();
  });
  request.once("end", end);
  request.once("close", () => clearTimeout(timer));
}

/**
 * Answers what was no HTTP request at all, or too slow, or with too much of headers.
 *
 * @param isSpokenFor what is written now would be taken for the answer to another request, or for a second one, so
 * the connection ends without a word
 */
export function answerMalformed(
  error: Error & { code?: string },
  socket: Duplex,
  isSpokenFor: boolean,
): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  if (isSpokenFor) {
    // What is on its way out still gets there.
    socket.end(() => socket.destroy());
    return;
  }
  const problem = malformed(error.code);
  const body = problem.body();
  const { status } = problem;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\ncontent-type: ${PROBLEM_JSON}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function malformed(code: string | undefined): Problem {
  if (code === "HPE_HEADER_OVERFLOW") {
    const why = "The request line and headers are too long; put data into the body.";
    return new Problem("REQUEST_INVALID", why, { status: 431 });
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new Problem("REQUEST_INVALID", "The request took too long to come in.", { status: 408 });
  }
  if (code === "HPE_INVALID_URL") {
    const why =
      "The path holds bytes that must be percent-encoded, as UTF-8; encode as encodeURIComponent does.";
    return new Problem("REQUEST_INVALID", why);
  }
  return new Problem("REQUEST_INVALID", `This is not HTTP/1.1 (${code ?? "unknown"}).`);
}
