import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { assert } from "../base/assert.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { StatefoldError } from "../base/errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { CounterSeries, HistogramSeries, MetricsRegistry } from "../telemetry/metrics.ts";
import { Seldom } from "../telemetry/seldom.ts";
import { ArrivingRequest } from "./arriving-request.ts";
import { type BodyBudget, HangUp } from "./body.ts";
import { Connections } from "./connections.ts";
import { DEFAULT_LIMITS, type GatewayLimits } from "./limits.ts";
import { BUFFERED, IN_FLIGHT, REQUEST_SECONDS, REQUESTS, UNSENT } from "./metrics.ts";
import { asProblem, invalid, Problem } from "./problem.ts";
import { answerMalformed, answerProblem } from "./refusal.ts";
import { type Ports, ROUTE_NAMES, type RouteName, Router } from "./router.ts";
import { Turnstile } from "./turnstile.ts";
import { UnsentAnswers } from "./unsent.ts";
import { Visit, type VisitHouse } from "./visit.ts";

export interface GatewayOptions extends Ports {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly limits?: Partial<GatewayLimits>;
}

/** What one route's requests feed. */
interface RouteMeter {
  readonly seconds: HistogramSeries;
  readonly byStatus: Map<number, CounterSeries>;
}

interface Failure {
  readonly visit: Visit;
  readonly error: unknown;
}

/** Refusals that wait are told so often. */
const REFUSED_EVERY_MS = 10;

type State =
  | { readonly kind: "new" }
  | { readonly kind: "running" }
  | { readonly kind: "draining"; readonly done: Promise<void> }
  | { readonly kind: "stopped"; readonly done: Promise<void> };

/**
 * The HTTP server: it owns connections, bounds, and how errors are answered; what a request means is its
 * route's affair, and what is done about it the ports'.
 *
 * One request may wait for as long as its function works; so that none can pile up unseen, everything held
 * for requests is counted against a bound (limits.ts, I9).
 */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #limits: GatewayLimits;
  readonly #server: Server<typeof ArrivingRequest>;
  readonly #budget: BodyBudget = { held: 0 };
  readonly #dropped = new Seldom();
  readonly #unsent: UnsentAnswers;
  readonly #house: VisitHouse;
  readonly #connections: Connections;
  readonly #turnstile: Turnstile<Visit>;
  /** Who is told to come again would do so at once, often enough, and cost as much as a call each time. */
  readonly #refusals: Turnstile<Failure>;
  readonly #draining = new AbortController();
  readonly #meters: ReadonlyMap<RouteName, RouteMeter>;
  #inFlight = 0;
  #idle: Deferred<void> | undefined;
  #state: State = { kind: "new" };

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#unsent = new UnsentAnswers(this.#limits);
    this.#connections = new Connections(this.#limits.keepAliveMs);
    this.#house = {
      ...{ limits: this.#limits, budget: this.#budget, unsent: this.#unsent },
      draining: this.#draining.signal,
      router: new Router(options, this.#limits),
      served: (visit) => this.#served(visit),
      failed: (visit, error) => this.#failed(visit, error),
      closed: (visit) => this.#onClosed(visit),
    };
    const { requestsPerTurn, refusalsPerSecond, maxInFlight } = this.#limits;
    this.#turnstile = new Turnstile(requestsPerTurn, maxInFlight, (visit) => this.#serve(visit));
    this.#refusals = new Turnstile(
      Math.ceil((refusalsPerSecond * REFUSED_EVERY_MS) / 1_000),
      maxInFlight,
      ({ visit, error }) => this.#fail(visit, error),
      (turn) => void setTimeout(turn, REFUSED_EVERY_MS),
    );
    this.#server = this.#createServer();
    const { metrics } = options;
    const seconds = metrics.histogram(REQUEST_SECONDS);
    this.#meters = new Map(
      ROUTE_NAMES.map((route) => [
        route,
        { seconds: seconds.labelled({ route }), byStatus: new Map() },
      ]),
    );
    metrics
      .gauge(IN_FLIGHT)
      .labelled({})
      .from(() => this.#inFlight);
    metrics
      .gauge(BUFFERED)
      .labelled({})
      .from(() => this.#budget.held);
    metrics
      .gauge(UNSENT)
      .labelled({})
      .from(() => this.#unsent.bytes);
  }

  /**
   * Listens; resolves with where.
   *
   * @throws CONFIG_INVALID when the address cannot be had
   */
  async start(): Promise<{ readonly url: string; readonly port: number }> {
    assert(this.#state.kind === "new", "a gateway is started once");
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        const why = error.code === "EADDRINUSE" ? "something else listens there" : error.message;
        reject(new StatefoldError("CONFIG_INVALID", `cannot listen on ${host}:${port}: ${why}`));
      });
      // Those who come in one burst wait; beyond what Node takes for enough (511) they would be told nothing, and
      // come again only after seconds.
      this.#server.listen({ port, host, backlog: this.#limits.maxConnections }, resolve);
    });
    this.#server.removeAllListeners("error");
    this.#server.on("error", (error) => this.#options.logger.error({ err: error }, "server error"));
    this.#state = { kind: "running" };
    const bound = (this.#server.address() as AddressInfo).port;
    return { url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`, port: bound };
  }

  /**
   * Refuses what is new with 503, ends followers, waits until the requests in flight have been answered,
   * for `graceMs` at most, and stops. Probes and metrics are answered meanwhile.
   */
  async drain(graceMs: number): Promise<void> {
    const state = this.#state;
    if (state.kind === "running") {
      this.#draining.abort();
      this.#state = { kind: "draining", done: this.#finish(graceMs) };
    } else if (state.kind === "new") await this.stop();
    if (this.#state.kind === "draining" || this.#state.kind === "stopped") await this.#state.done;
  }

  /** Ends every connection now. */
  async stop(): Promise<void> {
    if (this.#state.kind !== "stopped") {
      this.#draining.abort();
      this.#state = { kind: "stopped", done: this.#close() };
    }
    await this.#state.done;
  }

  async #finish(graceMs: number): Promise<void> {
    const server = this.#server;
    const idle = deferred<void>();
    this.#idle = idle;
    if (this.#inFlight === 0) idle.resolve();
    const timer = setTimeout(() => {
      idle.resolve();
      server.closeAllConnections();
    }, graceMs);
    await idle.promise;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
    clearTimeout(timer);
    if (this.#state.kind !== "stopped") this.#state = { kind: "stopped", done: Promise.resolve() };
  }

  #close(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle?.resolve();
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #onAnswered(): void {
    this.#inFlight--;
    if (this.#inFlight === 0) this.#idle?.resolve();
  }

  #onClosed(visit: Visit): void {
    this.#connections.end(visit);
    if (visit.isCounted) this.#onAnswered();
    visit.isCounted = false;
  }

  #createServer(): Server<typeof ArrivingRequest> {
    const limits = this.#limits;
    const server = createServer(
      {
        maxHeaderSize: limits.maxHeaderBytes,
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        keepAliveTimeout: 0, // see connections.ts
        connectionsCheckingInterval: Math.min(5_000, limits.headersTimeoutMs),
        noDelay: true,
        IncomingMessage: ArrivingRequest,
      },
      (request, response) => this.#came(request, response),
    );
    server.maxConnections = limits.maxConnections;
    server.on("checkContinue", (request, response) => this.#came(request, response));
    server.on("checkExpectation", (request, response) => {
      const { expect } = request.headers;
      const problem = invalid(`expect: ${expect} is not met here; send 100-continue, or none`, 417);
      answerProblem(request, response, problem, limits);
    });
    server.on("drop", () => this.#dropped.happened((times) => this.#sayDropped(times)));
    server.on("clientError", (error, socket) => {
      answerMalformed(error, socket, isSpokenFor(this.#connections.lastOf(socket)?.response));
    });
    return server;
  }

  #sayDropped(times: number): void {
    const { maxConnections } = this.#limits;
    const fields = { maxConnections, times };
    this.#options.logger.warn(fields, "Connections are refused: as many as may be are open.");
  }

  #came(request: ArrivingRequest, response: ServerResponse): void {
    const visit = new Visit(request, response, this.#house);
    this.#connections.add(visit);
    if (visit.route.always) return this.#serve(visit);
    this.#inFlight++;
    this.#turnstile.pass(visit);
  }

  #serve(visit: Visit): void {
    const { route } = visit;
    try {
      if (!route.always) this.#admit(visit.request);
      const handled = route.handle(visit, visit.rest);
      if (handled === "later") return;
      if (handled === undefined) return this.#served(visit);
      handled.then(
        () => this.#served(visit),
        (error: unknown) => this.#failed(visit, error),
      );
    } catch (error) {
      this.#failed(visit, error);
    }
  }

  #failed(visit: Visit, error: unknown): void {
    if (!(error instanceof StatefoldError) || error.code !== "OVERLOADED") {
      return this.#fail(visit, error);
    }
    visit.releaseBody();
    this.#refusals.pass({ visit, error });
  }

  #fail(visit: Visit, error: unknown): void {
    this.#refuse(visit, error);
    this.#served(visit);
  }

  /** Its route has done with it. */
  #served(visit: Visit): void {
    const { response, route } = visit;
    visit.releaseBody();
    // Node takes a connection whose answer is still on its way out for an idle one; a drain must not.
    if (!route.always && response.writableEnded && !response.destroyed) visit.isCounted = true;
    else if (!route.always) this.#onAnswered();
    // Who hung up got none; 499 is what proxies count it as.
    const status = response.headersSent ? response.statusCode : 499;
    this.#measure(route.name, status, visit.cameAtMs);
  }

  /** @throws UNAVAILABLE, OVERLOADED, and 403 for another site's page in a browser */
  #admit(request: ArrivingRequest): void {
    if (this.#draining.signal.aborted) {
      throw new Problem("UNAVAILABLE", "the node is draining", { close: true });
    }
    const { maxInFlight } = this.#limits;
    if (this.#inFlight > maxInFlight) {
      throw new Problem("OVERLOADED", `${maxInFlight} requests are being answered already`);
    }
    const { origin, host } = request.headers;
    if (origin !== undefined && origin.slice(origin.indexOf("://") + 3) !== host) {
      throw new Problem("REQUEST_INVALID", `pages of ${origin} may not use this node`, {
        status: 403,
      });
    }
  }

  #refuse({ route, request, response }: Visit, error: unknown): void {
    if (error instanceof HangUp) {
      response.destroy();
      return;
    }
    const problem = asProblem(error);
    const { logger } = this.#options;
    const fields = { route: route.name, status: problem.status };
    if (problem.code === "INTERNAL") logger.error({ ...fields, err: error }, "request failed");
    else logger.debug({ ...fields, code: problem.code, detail: problem.message }, "refused");
    answerProblem(request, response, problem, this.#limits);
  }

  #measure(route: RouteName, status: number, sinceMs: number): void {
    const meter = this.#meters.get(route);
    if (meter === undefined) return;
    let counter = meter.byStatus.get(status);
    if (counter === undefined) {
      counter = this.#options.metrics.counter(REQUESTS).labelled({ route, status: String(status) });
      meter.byStatus.set(status, counter);
    }
    counter.add();
    meter.seconds.observe((performance.now() - sinceMs) / 1000);
  }
}

/**
 * Whether words about what goes wrong on a connection now would come at the wrong place: behind the answer to
 * the request that goes wrong, or before the one to a request that came in whole, is being answered, or waits for
 * those before it.
 */
function isSpokenFor(last: ServerResponse | undefined): boolean {
  if (last === undefined) return false;
  if (last.writableFinished) return !last.req.complete;
  return last.req.complete || last.headersSent || last.socket === null;
}
