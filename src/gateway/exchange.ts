import type { ServerResponse } from "node:http";
import type { ArrivingRequest } from "./arriving-request.ts";
import { type BodyBudget, RequestBody } from "./body.ts";
import type { GatewayLimits } from "./limits.ts";
import type { LeaveListener, Waiter } from "./ports.ts";
import { Problem } from "./problem.ts";
import { splitTarget } from "./request-path.ts";
import type { UnsentAnswers } from "./unsent.ts";

/** Ends the connection when its other end takes nothing for so long; 0 takes it back. */
export function cutOffWhenStalled(response: ServerResponse, stallMs: number): void {
  if (stallMs === 0) response.setTimeout(0);
  // What still moves, however slowly, starts the time anew.
  else response.setTimeout(stallMs, () => response.destroy());
}

/** A route says itself when it has done with a request: {@link Exchange.served}, {@link Exchange.failed}. */
export type Later = "later";

/** How long the other end may count on an idle connection, for its header. */
export function keepAliveOf({ keepAliveMs }: GatewayLimits): string {
  return `timeout=${Math.floor(keepAliveMs / 1000)}`;
}

/** What all requests of a gateway have in common. */
export interface ExchangeHouse {
  readonly limits: GatewayLimits;
  readonly budget: BodyBudget;
  /** Aborted when the node drains. */
  readonly draining: AbortSignal;
  readonly unsent: UnsentAnswers;
}

/**
 * A request and the way to answer it. Routes answer once, with one write. It is also the caller, as long as that
 * waits for its answer: one object and one listener for all, since every message from outside pays for them.
 */
export abstract class Exchange implements Waiter {
  readonly request: ArrivingRequest;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: string;
  /** The caller has gone before it was answered. */
  hasLeft: boolean;
  listener: LeaveListener | undefined;
  /** It counts among the requests in flight until its answer is over. */
  isCounted = false;
  readonly #house: ExchangeHouse;
  #body: RequestBody | undefined;
  #isClosed = false;

  constructor(request: ArrivingRequest, response: ServerResponse, house: ExchangeHouse) {
    const target = splitTarget(request.url ?? "/");
    this.request = request;
    this.response = response;
    this.path = target.path;
    this.query = target.query;
    this.hasLeft = response.destroyed;
    this.#house = house;
    response.on("close", () => this.#onClose());
  }

  /** Its route has done with it; for a route that says so itself. */
  abstract served(): void;

  /** Its route has failed; as {@link served}. */
  abstract failed(error: unknown): void;

  /** It is answered, or nobody is there to be: its answer is over, and its connection another's. */
  protected abstract closed(): void;

  /** Aborted when the node drains: for answers that have no end of their own. */
  get draining(): AbortSignal {
    return this.#house.draining;
  }

  get body(): RequestBody {
    this.#body ??= new RequestBody(this, this.#house.limits, this.#house.budget);
    return this.#body;
  }

  /** It needs its body no more. */
  releaseBody(): void {
    this.#body?.release();
  }

  /** Aborted when the caller goes away before it is answered. */
  hungUp(): AbortSignal {
    const controller = new AbortController();
    if (this.hasLeft) controller.abort();
    else this.listener = { waiterLeft: () => controller.abort() };
    return controller.signal;
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.closed();
    if (this.response.writableEnded || this.hasLeft) return;
    this.hasLeft = true;
    this.listener?.waiterLeft();
  }

  /**
   * A header that may be there once and is not empty.
   *
   * @throws REQUEST_INVALID when it is longer than 255 characters, or empty
   */
  header(name: string): string | undefined {
    const value = this.request.headers[name];
    if (value === undefined) return undefined;
    if (typeof value !== "string" || value === "" || value.length > 255) {
      throw new Problem("REQUEST_INVALID", `the header ${name} takes 1 to 255 characters`);
    }
    return value;
  }

  json(status: number, value: unknown): void {
    this.send(status, "application/json", `${JSON.stringify(value)}\n`);
  }

  /** @param headers further ones, as name, value, name, value */
  send(
    status: number,
    contentType: string,
    body: string | Uint8Array,
    headers?: readonly string[],
  ): void {
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
    const lines = ["content-type", contentType, "content-length", String(length)];
    if (headers !== undefined) lines.push(...headers);
    // A connection that is kept would outlive the drain.
    if (this.draining.aborted) this.response.shouldKeepAlive = false;
    if (this.response.shouldKeepAlive) lines.push("keep-alive", keepAliveOf(this.#house.limits));
    this.#house.unsent.add(this.response, length);
    this.response.writeHead(status, lines);
    this.response.end(body);
  }

  /** @throws 405, with the methods that the path takes */
  allow(...methods: readonly string[]): void {
    const { method = "GET" } = this.request;
    if (methods.includes(method) || (method === "HEAD" && methods.includes("GET"))) return;
    throw new Problem(
      "REQUEST_INVALID",
      `${this.path} takes ${methods.join(", ")}, not ${method}`,
      {
        status: 405,
        headers: { allow: methods.join(", ") },
      },
    );
  }
}
