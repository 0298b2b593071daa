import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestBody } from "./body.ts";
import type { Waiter } from "./ports.ts";
import { Problem } from "./problem.ts";
import type { UnsentAnswers } from "./unsent.ts";

/** Ends the connection when its other end takes nothing for so long; 0 takes it back. */
export function cutOffWhenStalled(response: ServerResponse, stallMs: number): void {
  if (stallMs === 0) response.setTimeout(0);
  // What still moves, however slowly, starts the time anew.
  else response.setTimeout(stallMs, () => response.destroy());
}

/** A request and the way to answer it. Routes answer once, with one write. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: string;
  readonly body: RequestBody;
  /** Aborted when the node drains: for answers that have no end of their own. */
  readonly draining: AbortSignal;
  readonly #unsent: UnsentAnswers;
  #hungUp: AbortSignal | undefined;

  constructor(fields: {
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly path: string;
    readonly query: string;
    readonly body: RequestBody;
    readonly draining: AbortSignal;
    readonly unsent: UnsentAnswers;
  }) {
    this.request = fields.request;
    this.response = fields.response;
    this.path = fields.path;
    this.query = fields.query;
    this.body = fields.body;
    this.draining = fields.draining;
    this.#unsent = fields.unsent;
  }

  /** The caller, as long as it waits for its answer. */
  waiter(): Waiter {
    const { response } = this;
    const waiter = {
      hasLeft: response.destroyed,
      onLeave: undefined as (() => void) | undefined,
    };
    response.once("close", () => {
      if (response.writableEnded || waiter.hasLeft) return;
      waiter.hasLeft = true;
      waiter.onLeave?.();
    });
    return waiter;
  }

  /** Aborted when the caller goes away before it is answered. */
  get hungUp(): AbortSignal {
    if (this.#hungUp === undefined) {
      const controller = new AbortController();
      const { response } = this;
      if (response.destroyed) controller.abort();
      response.once("close", () => {
        if (!response.writableEnded) controller.abort();
      });
      this.#hungUp = controller.signal;
    }
    return this.#hungUp;
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
    this.#unsent.add(this.response, length);
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
