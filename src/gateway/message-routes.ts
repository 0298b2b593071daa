import type { Address } from "../model/address.ts";
import type { Header } from "../model/message.ts";
import { traceparentOf } from "../telemetry/trace.ts";
import type { BodyReader } from "./body.ts";
import { durationParameter } from "./duration.ts";
import type { Exchange, Later } from "./exchange.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Caller, CallResult, MessageRequest, Messages } from "./ports.ts";
import { Problem } from "./problem.ts";
import { decodeSegment, parseAddress, parseQuery } from "./request-path.ts";
import { answerValue, readValue, TYPE_HEADER } from "./values.ts";
import { EARLIER, WaitingCalls } from "./waiting-calls.ts";

const TRACEPARENT = "traceparent";

/** Headers of this beginning become the message's headers, without it. */
const HEADER_PREFIX = "statefold-header-";

/** A century: what is longer was not meant. */
const MAX_DELAY_MS = 100 * 365 * 86_400_000;

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

/** `/v1/send`, `/v1/call`, `/v1/calls`: the way every message takes that comes in over HTTP. */
export class MessageRoutes {
  readonly #messages: Messages;
  readonly #limits: GatewayLimits;
  readonly #waiting: WaitingCalls;

  constructor(messages: Messages, limits: GatewayLimits) {
    this.#messages = messages;
    this.#limits = limits;
    this.#waiting = new WaitingCalls(limits.maxInFlight);
  }

  /** `POST /v1/send/{namespace}/{name}/{id}?delay=` */
  async send(exchange: Exchange, rest: string): Promise<void> {
    exchange.allow("POST");
    const target = parseAddress(rest);
    const delay = parametersOf(exchange, "delay").get("delay");
    const delayMs = delay === undefined ? 0 : durationParameter("delay", delay, MAX_DELAY_MS);
    const message = messageOf(exchange, target, await exchange.body.read());
    const { messageId } = await this.#messages.send({ ...message, delayMs });
    exchange.json(202, { messageId });
  }

  /** `POST /v1/call/{namespace}/{name}/{id}?timeout=` */
  call(exchange: Exchange, rest: string): Later {
    exchange.allow("POST");
    const target = parseAddress(rest);
    const timeoutMs = this.#timeoutOf(exchange);
    const call = new Call(exchange, this.#waiting, this.#messages, target, timeoutMs);
    exchange.body.readInto(call);
    return "later";
  }

  /** `GET /v1/calls/{callId}?timeout=` */
  fetch(exchange: Exchange, rest: string): Later {
    exchange.allow("GET");
    const callId = decodeSegment(rest);
    const timeoutMs = this.#timeoutOf(exchange);
    const waiting = new WaitingExchange(exchange, this.#waiting, EARLIER);
    waiting.enter();
    try {
      this.#messages.fetchCall(callId, timeoutMs, waiting);
    } catch (error) {
      waiting.failed(error);
    }
    return "later";
  }

  #timeoutOf(exchange: Exchange): number {
    const text = parametersOf(exchange, "timeout").get("timeout");
    const { callTimeoutMs, maxCallTimeoutMs } = this.#limits;
    return text === undefined
      ? callTimeoutMs
      : durationParameter("timeout", text, maxCallTimeoutMs);
  }
}

/** A caller whose answer is a reply. Nothing that goes wrong as it is answered may reach who brings the reply. */
class WaitingExchange implements Caller {
  readonly waiter: Exchange;
  readonly #waiting: WaitingCalls;
  /** Whom it waits for. */
  readonly #whom: string;

  constructor(exchange: Exchange, waiting: WaitingCalls, whom: string) {
    this.waiter = exchange;
    this.#waiting = waiting;
    this.#whom = whom;
  }

  /** @throws OVERLOADED when too many wait */
  enter(): void {
    this.#waiting.enter(this.#whom);
  }

  answered(result: CallResult): void {
    this.#waiting.leave(this.#whom);
    try {
      answerCall(this.waiter, result);
    } catch (error) {
      return this.waiter.failed(error);
    }
    this.waiter.served();
  }

  failed(error: unknown): void {
    this.#waiting.leave(this.#whom);
    this.waiter.failed(error);
  }
}

/** A call: its body comes, then its reply. */
class Call extends WaitingExchange implements BodyReader {
  readonly #messages: Messages;
  readonly #target: Address;
  readonly #timeoutMs: number;

  constructor(
    exchange: Exchange,
    waiting: WaitingCalls,
    messages: Messages,
    target: Address,
    timeoutMs: number,
  ) {
    super(exchange, waiting, target.type);
    this.#messages = messages;
    this.#target = target;
    this.#timeoutMs = timeoutMs;
  }

  bodyRead(body: Buffer): void {
    let message: MessageRequest;
    try {
      message = messageOf(this.waiter, this.#target, body);
      this.enter();
    } catch (error) {
      return this.bodyFailed(error);
    }
    const { target, value, idempotencyKey, traceparent, headers } = message;
    const timeoutMs = this.#timeoutMs;
    try {
      this.#messages.call({
        target,
        value,
        idempotencyKey,
        traceparent,
        headers,
        timeoutMs,
        caller: this,
      });
    } catch (error) {
      this.failed(error);
    }
  }

  bodyFailed(error: unknown): void {
    this.waiter.failed(error);
  }
}

function parametersOf(exchange: Exchange, name: string): ReadonlyMap<string, string> {
  return exchange.query === "" ? NO_PARAMETERS : parseQuery(exchange.query, [name]);
}

function messageOf(exchange: Exchange, target: Address, body: Buffer): MessageRequest {
  const idempotencyKey = exchange.header("idempotency-key");
  const traceparent = traceparentOf(exchange.request.headers[TRACEPARENT]);
  const headers = messageHeaders(exchange.request.rawHeaders);
  const value = readValue(exchange.request.headers, body);
  return { target, value, idempotencyKey, traceparent, headers };
}

const NO_HEADERS: readonly Header[] = [];

/** @param raw name, value, name, value, as Node hands them over: Latin-1 */
export function messageHeaders(raw: readonly string[]): readonly Header[] {
  let found: Header[] | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? "";
    if (name.length <= HEADER_PREFIX.length) continue;
    if (name.slice(0, HEADER_PREFIX.length).toLowerCase() !== HEADER_PREFIX) continue;
    found ??= [];
    found.push({
      key: name.slice(HEADER_PREFIX.length).toLowerCase(),
      value: Buffer.from(raw[i + 1] ?? "", "latin1"),
    });
  }
  return found ?? NO_HEADERS;
}

function answerCall(exchange: Exchange, result: CallResult): void {
  switch (result.kind) {
    case "reply": {
      const { contentType, type, body } = answerValue(
        result.value,
        exchange.request.headers.accept,
      );
      const headers = [TYPE_HEADER, type, "statefold-message-id", result.messageId];
      exchange.send(200, contentType, body, headers);
      return;
    }
    case "pending": {
      const { callId, obstacle } = result;
      const location = `/v1/calls/${encodeURIComponent(callId)}`;
      const why = obstacle === undefined ? "; the work goes on" : `: ${obstacle}`;
      throw new Problem("CALL_TIMEOUT", `No reply yet${why}. Fetch it: GET ${location}`, {
        headers: { location },
        members: { callId },
      });
    }
    case "unknown":
      throw new Problem(
        "NOT_FOUND",
        "There is no such call, or its reply is kept no longer; replies wait for a day.",
      );
  }
}
