import type { ServerResponse } from "node:http";
import { StatefoldError } from "../base/errors.ts";
import type { ArrivingRequest, BodyTaker } from "./arriving-request.ts";
import type { GatewayLimits } from "./limits.ts";
import type { LeaveListener, Waiter } from "./ports.ts";
import { invalid, Problem } from "./problem.ts";

/** How many bytes of bodies are held at the moment, over all requests. */
export interface BodyBudget {
  held: number;
}

/** Whose body it is. */
export interface Sender extends Waiter {
  readonly request: ArrivingRequest;
  readonly response: ServerResponse;
}

/** Who wants a body; told of one of the two, once. */
export interface BodyReader {
  bodyRead(body: Buffer): void;
  bodyFailed(error: unknown): void;
}

/** The caller is gone: there is nobody to answer. */
export class HangUp extends Error {}

const EMPTY = Buffer.alloc(0);

/** One request's body: bounded by itself, and together with all others that are held. */
export class RequestBody implements BodyTaker, LeaveListener {
  readonly #sender: Sender;
  readonly #limits: GatewayLimits;
  readonly #budget: BodyBudget;
  #reserved = 0;
  #isReserved = false;
  #first: Buffer | undefined;
  #rest: Buffer[] | undefined;
  /** Undefined: nobody yet, or no more. */
  #reader: BodyReader | undefined;

  constructor(sender: Sender, limits: GatewayLimits, budget: BodyBudget) {
    this.#sender = sender;
    this.#limits = limits;
    this.#budget = budget;
  }

  /** All of it. Rejects as {@link readInto}. */
  read(): Promise<Buffer> {
    return new Promise((bodyRead, bodyFailed) => this.readInto({ bodyRead, bodyFailed }));
  }

  /**
   * All of it, maybe at once. A body that is announced as too long is refused before its first byte is read.
   *
   * @throws VALUE_TOO_LARGE, OVERLOADED; fails with them too, and with HangUp
   */
  readInto(reader: BodyReader): void {
    const { request, response } = this.#sender;
    const { headers } = request;
    const announced = headers["content-length"];
    if (announced === undefined && headers["transfer-encoding"] === undefined) {
      return reader.bodyRead(EMPTY);
    }
    if (headers["content-encoding"] !== undefined && headers["content-encoding"] !== "identity") {
      throw invalid("compressed bodies are not taken; send it without content-encoding");
    }
    if (announced !== undefined) this.#reserve(Number(announced));
    if (headers.expect !== undefined) response.writeContinue();
    if (this.#sender.hasLeft) return reader.bodyFailed(new HangUp());
    this.#isReserved = announced !== undefined;
    this.#reader = reader;
    this.#sender.listener = this;
    request.handTo(this);
  }

  /** To be called when the request has been answered: its bytes no longer count. */
  release(): void {
    this.#budget.held -= this.#reserved;
    this.#reserved = 0;
  }

  took(chunk: Buffer): boolean {
    if (this.#reader === undefined) return false;
    try {
      if (!this.#isReserved) this.#reserve(chunk.byteLength);
    } catch (error) {
      this.#end()?.bodyFailed(error);
      return false;
    }
    if (this.#first === undefined) this.#first = chunk;
    else {
      this.#rest ??= [this.#first];
      this.#rest.push(chunk);
    }
    return true;
  }

  tookAll(): void {
    const body = this.#rest === undefined ? (this.#first ?? EMPTY) : Buffer.concat(this.#rest);
    this.#end()?.bodyRead(body);
  }

  waiterLeft(): void {
    this.#end()?.bodyFailed(new HangUp());
  }

  #end(): BodyReader | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#first = undefined;
    this.#rest = undefined;
    this.#sender.listener = undefined;
    return reader;
  }

  #reserve(bytes: number): void {
    const { maxBodyBytes, maxBufferedBytes } = this.#limits;
    if (this.#reserved + bytes > maxBodyBytes) {
      throw new StatefoldError(
        "VALUE_TOO_LARGE",
        `the body exceeds the limit of ${maxBodyBytes} bytes`,
      );
    }
    if (this.#budget.held + bytes > maxBufferedBytes) {
      throw new Problem("OVERLOADED", `bodies of ${maxBufferedBytes} bytes are being held already`);
    }
    this.#reserved += bytes;
    this.#budget.held += bytes;
  }
}
