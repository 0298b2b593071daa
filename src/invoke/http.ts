import { performance } from "node:perf_hooks";
import { FRAMES_TYPE, FRAMES_VERSION } from "@statefold/sdk/protocol";
import type { Dispatcher } from "undici";
import type { Random } from "../base/backoff.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import { type EndpointUrl, urlFor } from "../spec/endpoint-url.ts";
import type { HttpEndpoint } from "../spec/module.ts";
import type { Cancellable } from "./cancellations.ts";
import { classify, isReset, mediaType } from "./classify.ts";
import { ConnectionPool } from "./connection-pool.ts";
import type { Invoker } from "./contract.ts";
import { encodeRequest } from "./encode-request.ts";
import { type Ending, Exchange, type ExchangeLimits, isSuccess, type Stream } from "./exchange.ts";
import { Courier, type RoundEnding, type RoundListener } from "./frames-courier.ts";
import { Parcel } from "./frames-round.ts";
import { Gate } from "./gate.ts";
import { readTls } from "./tls.ts";
import { redirectedUrl, showUrl } from "./url.ts";

/*
 * Calls over HTTP/1.1: one address a request, as the official protocol has it, or many, where the endpoint
 * takes frames (frames-courier.ts, docs/frames.md).
 *
 * A request is sent a second time, at once and on a new connection, when a connection that had served
 * before was reset without a byte of an answer: it has most likely met a server that was closing an idle
 * connection. The function may be called twice by that, which it must stand anyway: functions are called
 * at least once, and only one answer is ever applied.
 */
const HEADERS: readonly string[] = [
  ...["content-type", "application/octet-stream"],
  ...["accept", "application/octet-stream"],
  ...["accept-encoding", "gzip,deflate"],
  ...["user-agent", "statefun"],
];

const FRAMES_HEADERS: readonly string[] = [
  ...["content-type", FRAMES_TYPE],
  ...["accept", FRAMES_TYPE],
  ...["user-agent", "statefold"],
];

const REDIRECTS_MAX = 5;
/** Resolved URLs are kept for so many function types; a wildcard endpoint may be asked for any name. */
const URLS_MAX = 1000;

/** @throws StatefoldError CONFIG_INVALID when a TLS file is missing or wrong */
export async function openHttpInvoker(endpoint: HttpEndpoint, random: Random): Promise<Invoker> {
  const { transport, place } = endpoint;
  const tls = await readTls(transport.tls, place);
  const pool = new ConnectionPool({
    connectMs: transport.connectMs,
    writeMs: transport.writeMs,
    ttlMs: transport.poolTtlMs,
    maxConnections: transport.poolSize,
    tls,
    random,
  });
  const gate = new Gate({ perType: endpoint.concurrency, inAll: transport.poolSize });
  return new HttpInvoker(endpoint, pool, gate);
}

class HttpInvoker implements Invoker {
  readonly #endpoint: HttpEndpoint;
  readonly #pool: ConnectionPool;
  readonly #gate: Gate;
  readonly #urls = new Map<string, EndpointUrl>();
  /** By URL. Of those beyond URLS_MAX calls go alone. */
  readonly #couriers = new Map<string, Courier>();
  readonly #courierOfType = new Map<string, Courier>();
  #closing: Promise<void> | undefined;

  constructor(endpoint: HttpEndpoint, pool: ConnectionPool, gate: Gate) {
    this.#endpoint = endpoint;
    this.#pool = pool;
    this.#gate = gate;
  }

  invoke(invocation: Invocation, signal: AbortSignal, end: (outcome: Outcome) => void): void {
    const { type } = invocation.target;
    const courier = this.#courierOfType.get(type);
    const slot = courier?.isOpen === true ? this.#gate.tryEnter(type, signal) : undefined;
    if (courier === undefined || slot === undefined) {
      void this.#gate.run(type, signal, () => this.#call(invocation, signal)).then(end);
      return;
    }
    const shared = new SharedCall(invocation, this.#gate, courier, signal, (outcome) => {
      if (outcome !== undefined) {
        this.#gate.leave(type, slot);
        return end(outcome);
      }
      const url = this.#urlOf(type);
      const alone = () => this.#inTurn(url, courier, invocation, signal);
      void this.#gate.hold(slot, type, signal, alone).then(end);
    });
    shared.begin();
  }

  get isOnFrames(): boolean {
    for (const courier of this.#couriers.values()) if (courier.isOpen) return true;
    return false;
  }

  close(): Promise<void> {
    this.#gate.close();
    this.#closing ??= this.#pool.close();
    return this.#closing;
  }

  /** Somebody else holds a slot of its type. */
  #call(invocation: Invocation, signal: AbortSignal): Promise<Outcome> {
    const { type } = invocation.target;
    const url = this.#urlOf(type);
    const courier = this.#courierOf(url);
    if (courier !== undefined && this.#courierOfType.size < URLS_MAX) {
      this.#courierOfType.set(type, courier); // the next finds it without a look at the URL
    }
    if (courier?.isOpen !== true) return this.#inTurn(url, courier, invocation, signal);
    return new Promise((resolve) => {
      const shared = new SharedCall(invocation, this.#gate, courier, signal, (outcome) => {
        resolve(outcome ?? this.#inTurn(url, courier, invocation, signal));
      });
      shared.begin();
    });
  }

  /** By a request of its own. */
  #inTurn(
    url: EndpointUrl,
    courier: Courier | undefined,
    invocation: Invocation,
    signal: AbortSignal,
  ): Promise<Outcome> {
    return this.#gate.inTurn(signal, () => this.#alone(url, courier, invocation, signal));
  }

  async #alone(
    first: EndpointUrl,
    courier: Courier | undefined,
    invocation: Invocation,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { payloadMaxBytes, type } = this.#endpoint.transport;
    const request = requestOf(HEADERS, encodeRequest(invocation));
    const limits = this.#limits();
    const cancellation = this.#cancellationBy(signal);
    let url = first;
    for (let redirects = 0; ; redirects++) {
      const ending = await this.#send(url, request, limits, cancellation);
      const location = type === "okhttp" ? redirectOf(ending) : undefined;
      if (location === undefined) {
        if (offersFrames(ending)) courier?.offered();
        return await classify(ending, showUrl(url), payloadMaxBytes);
      }
      if (redirects === REDIRECTS_MAX) {
        const reason = `${showUrl(url)} redirects again, after ${REDIRECTS_MAX} redirects`;
        return { kind: "failed", reason };
      }
      url = redirectedUrl(url, location);
    }
  }

  /** A request of many calls. */
  #post(url: EndpointUrl, body: Buffer, listener: RoundListener): () => void {
    let isOver = false;
    let cancelExchange = (): void => {};
    const cancellation: Cancellation = {
      isOver: () => isOver,
      during(cancel) {
        cancelExchange = cancel;
        return () => {};
      },
    };
    const stream: Stream = {
      begins({ contentType, contentEncoding }) {
        if (mediaType(contentType) !== FRAMES_TYPE || contentEncoding !== undefined) return false;
        listener.begun();
        return true;
      },
      took: (piece) => listener.took(piece),
    };
    const send = async (): Promise<void> => {
      const request = requestOf(FRAMES_HEADERS, body);
      const ending = await this.#send(url, request, this.#limits(), cancellation, stream);
      listener.ended(await this.#roundEnding(ending, showUrl(url)));
    };
    this.#gate
      .shared(() => isOver, send)
      // What cannot be sent so is said of each call that fails alone.
      .catch(() => listener.ended({ kind: "refused", isTooLarge: false }));
    return () => {
      isOver = true;
      cancelExchange();
    };
  }

  async #roundEnding(ending: Ending, from: string): Promise<RoundEnding> {
    if (ending.kind === "answer") {
      const { status, head } = ending;
      const isFrames = mediaType(head.contentType) === FRAMES_TYPE;
      if (isSuccess(status) && isFrames && head.contentEncoding === undefined) {
        return { kind: "answered" };
      }
    }
    const outcome = await classify(ending, from, this.#endpoint.transport.payloadMaxBytes);
    if (outcome.kind === "retryLater") return { kind: "trouble", reason: outcome.reason };
    return { kind: "refused", isTooLarge: ending.kind === "answer" && ending.status === 413 };
  }

  #limits(): ExchangeLimits {
    const { callMs, readMs, payloadMaxBytes } = this.#endpoint.transport;
    const deadlineAtMs = performance.now() + callMs;
    return { deadlineAtMs, callMs, readMs, bodyMaxBytes: payloadMaxBytes };
  }

  async #send(
    url: EndpointUrl,
    request: Request,
    limits: ExchangeLimits,
    cancellation: Cancellation,
    stream?: Stream,
  ): Promise<Ending> {
    for (let fresh = false; ; fresh = true) {
      if (cancellation.isOver()) return { kind: "cancelled" };
      const connection = this.#pool.take(url, fresh);
      const exchange = new Exchange(connection, { ...request, path: url.path }, limits, stream);
      const stopListening = cancellation.during(() => exchange.cancel());
      const ending = await exchange.ending;
      stopListening();
      const metClosing =
        ending.kind === "broken" &&
        isReset(ending.error) &&
        connection.reused &&
        !connection.answered;
      this.#pool.give(connection);
      if (!metClosing) return ending; // at the latest the second time: a new connection is not a used one
    }
  }

  #cancellationBy(signal: AbortSignal): Cancellation {
    return {
      isOver: () => this.#gate.isOver(signal),
      during: (cancel) => this.#gate.whenCancelled(signal, cancel),
    };
  }

  #courierOf(url: EndpointUrl): Courier | undefined {
    const { type, payloadMaxBytes } = this.#endpoint.transport;
    if (type === "okhttp") return undefined;
    const key = `${url.socketPath ?? ""} ${url.origin}${url.path}`;
    const known = this.#couriers.get(key);
    if (known !== undefined || this.#couriers.size >= URLS_MAX) return known;
    const courier = new Courier({
      post: (body, listener) => this.#post(url, body, listener),
      soon: setImmediate,
      after: (delayMs, run) => {
        const timer = setTimeout(run, delayMs);
        return () => clearTimeout(timer);
      },
      nowMs: () => performance.now(),
      from: showUrl(url),
      isAssumed: type === "frames",
      answerMaxBytes: payloadMaxBytes,
    });
    this.#couriers.set(key, courier);
    return courier;
  }

  #urlOf(functionType: string): EndpointUrl {
    let url = this.#urls.get(functionType);
    if (url === undefined) {
      if (this.#urls.size >= URLS_MAX) this.#urls.clear();
      url = urlFor(this.#endpoint, functionType);
      this.#urls.set(functionType, url);
    }
    return url;
  }
}

/** A call that shares a request with others. */
class SharedCall extends Parcel implements Cancellable {
  readonly #gate: Gate;
  readonly #courier: Courier;
  readonly #signal: AbortSignal;
  readonly #end: (outcome: Outcome | undefined) => void;

  /** @param end called once; undefined: it is to be sent alone */
  constructor(
    invocation: Invocation,
    gate: Gate,
    courier: Courier,
    signal: AbortSignal,
    end: (outcome: Outcome | undefined) => void,
  ) {
    super(invocation);
    this.#gate = gate;
    this.#courier = courier;
    this.#signal = signal;
    this.#end = end;
  }

  begin(): void {
    this.#gate.listen(this.#signal, this);
    this.#courier.take(this);
  }

  settle(outcome: Outcome | undefined): void {
    this.#gate.ignore(this.#signal, this);
    this.#end(outcome);
  }

  cancel(): void {
    this.#courier.cancel(this);
    this.#end(CANCELLED);
  }
}

/** What ends a request before it is answered. */
interface Cancellation {
  isOver(): boolean;
  /** Returns what takes it back. */
  during(cancel: () => void): () => void;
}

const CANCELLED: Outcome = { kind: "retryLater", reason: "the call was cancelled" };

type Request = Omit<Dispatcher.DispatchOptions, "path">;

function requestOf(headers: readonly string[], body: Buffer): Request {
  return { method: "POST", headers: headers as string[], body };
}

function offersFrames(ending: Ending): boolean {
  if (ending.kind !== "answer" || ending.head.frames === undefined) return false;
  return ending.head.frames.split(",").some((version) => version.trim() === FRAMES_VERSION);
}

/** 307 and 308 ask for the same request elsewhere; the others for a GET, which would lose the batch. */
function redirectOf(ending: Ending): string | undefined {
  const redirects = ending.kind === "answer" && (ending.status === 307 || ending.status === 308);
  return redirects ? ending.head.location : undefined;
}
