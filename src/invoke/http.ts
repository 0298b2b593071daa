import { performance } from "node:perf_hooks";
import type { Dispatcher } from "undici";
import type { Random } from "../base/backoff.ts";
import { StatefoldError } from "../base/errors.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import { type EndpointUrl, urlFor } from "../spec/endpoint-url.ts";
import type { HttpEndpoint } from "../spec/module.ts";
import { classify, isReset } from "./classify.ts";
import { ConnectionPool } from "./connection-pool.ts";
import type { Invoker } from "./contract.ts";
import { encodeRequest } from "./encode-request.ts";
import { type Ending, Exchange, type ExchangeLimits } from "./exchange.ts";
import { Gate } from "./gate.ts";
import { readTls } from "./tls.ts";
import { redirectedUrl, showUrl } from "./url.ts";

/*
 * The official transport: one address a request, over HTTP/1.1.
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

const REDIRECTS_MAX = 5;
/** Resolved URLs are kept for so many function types; a wildcard endpoint may be asked for any name. */
const URLS_MAX = 1000;

/**
 * @throws StatefoldError CONFIG_INVALID when a TLS file is missing or wrong, MODULE_UNSUPPORTED for the
 * frames transport
 */
export async function openHttpInvoker(endpoint: HttpEndpoint, random: Random): Promise<Invoker> {
  const { transport, place } = endpoint;
  if (transport.type === "frames") {
    throw new StatefoldError(
      "MODULE_UNSUPPORTED",
      `${place.file}:${place.line}:${place.column}: transport io.statefold.transports.v1/frames cannot be ` +
        "run by this version; io.statefun.transports.v1/async can",
    );
  }
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
  #closing: Promise<void> | undefined;

  constructor(endpoint: HttpEndpoint, pool: ConnectionPool, gate: Gate) {
    this.#endpoint = endpoint;
    this.#pool = pool;
    this.#gate = gate;
  }

  invoke(invocation: Invocation, signal: AbortSignal): Promise<Outcome> {
    const { type } = invocation.target;
    return this.#gate.run(type, signal, () => this.#call(invocation, signal));
  }

  close(): Promise<void> {
    this.#gate.close();
    this.#closing ??= this.#pool.close();
    return this.#closing;
  }

  async #call(invocation: Invocation, signal: AbortSignal): Promise<Outcome> {
    const { callMs, readMs, payloadMaxBytes, type } = this.#endpoint.transport;
    const body = encodeRequest(invocation);
    const limits: ExchangeLimits = {
      deadlineAtMs: performance.now() + callMs,
      callMs,
      readMs,
      bodyMaxBytes: payloadMaxBytes,
    };
    let url = this.#urlOf(invocation.target.type);
    for (let redirects = 0; ; redirects++) {
      const ending = await this.#send(url, body, limits, signal);
      const location = type === "okhttp" ? redirectOf(ending) : undefined;
      if (location === undefined) return await classify(ending, showUrl(url), payloadMaxBytes);
      if (redirects === REDIRECTS_MAX) {
        const reason = `${showUrl(url)} redirects again, after ${REDIRECTS_MAX} redirects`;
        return { kind: "failed", reason };
      }
      url = redirectedUrl(url, location);
    }
  }

  async #send(
    url: EndpointUrl,
    body: Buffer,
    limits: ExchangeLimits,
    signal: AbortSignal,
  ): Promise<Ending> {
    const request: Dispatcher.DispatchOptions = {
      method: "POST",
      path: url.path,
      headers: HEADERS as string[],
      body,
    };
    for (let fresh = false; ; fresh = true) {
      if (this.#gate.isOver(signal)) return { kind: "cancelled" };
      const connection = this.#pool.take(url, fresh);
      const exchange = new Exchange(connection, request, limits);
      const stopListening = this.#gate.whenCancelled(signal, () => exchange.cancel());
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

/** 307 and 308 ask for the same request elsewhere; the others for a GET, which would lose the batch. */
function redirectOf(ending: Ending): string | undefined {
  const redirects = ending.kind === "answer" && (ending.status === 307 || ending.status === 308);
  return redirects ? ending.head.location : undefined;
}
