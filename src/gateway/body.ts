import type { IncomingMessage, ServerResponse } from "node:http";
import { StatefoldError } from "../base/errors.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Waiter } from "./ports.ts";
import { invalid, Problem } from "./problem.ts";

/** How many bytes of bodies are held at the moment, over all requests. */
export interface BodyBudget {
  held: number;
}

/** Whose body it is. */
export interface Sender extends Waiter {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The caller is gone: there is nobody to answer. */
export class HangUp extends Error {}

const EMPTY = Buffer.alloc(0);
const NONE = Promise.resolve(EMPTY);

/** One request's body: bounded by itself, and together with all others that are held. */
export class RequestBody {
  readonly #sender: Sender;
  readonly #limits: GatewayLimits;
  readonly #budget: BodyBudget;
  #reserved = 0;

  constructor(sender: Sender, limits: GatewayLimits, budget: BodyBudget) {
    this.#sender = sender;
    this.#limits = limits;
    this.#budget = budget;
  }

  /**
   * All of it. A body that is announced as too long is refused before its first byte is read.
   *
   * @throws VALUE_TOO_LARGE, OVERLOADED; rejects with them too, and with HangUp
   */
  read(): Promise<Buffer> {
    const { request, response } = this.#sender;
    const { headers } = request;
    const announced = headers["content-length"];
    if (announced === undefined && headers["transfer-encoding"] === undefined) return NONE;
    if (headers["content-encoding"] !== undefined && headers["content-encoding"] !== "identity") {
      throw invalid("compressed bodies are not taken; send it without content-encoding");
    }
    if (announced !== undefined) this.#reserve(Number(announced));
    if (headers.expect !== undefined) response.writeContinue();
    return this.#collect(announced !== undefined);
  }

  /** To be called when the request has been answered: its bytes no longer count. */
  release(): void {
    this.#budget.held -= this.#reserved;
    this.#reserved = 0;
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

  #collect(isReserved: boolean): Promise<Buffer> {
    const sender = this.#sender;
    const { request } = sender;
    return new Promise((resolve, reject) => {
      let first: Buffer | undefined;
      let rest: Buffer[] | undefined;
      let isOver = false;
      const fail = (error: unknown) => {
        isOver = true;
        reject(error);
      };
      if (sender.hasLeft) return fail(new HangUp());
      sender.onLeave = () => fail(new HangUp());
      request.on("data", (chunk: Buffer) => {
        if (isOver) return;
        try {
          if (!isReserved) this.#reserve(chunk.byteLength);
        } catch (error) {
          sender.onLeave = undefined;
          return fail(error);
        }
        if (first === undefined) first = chunk;
        else {
          rest ??= [first];
          rest.push(chunk);
        }
      });
      request.on("end", () => {
        if (isOver) return;
        isOver = true;
        sender.onLeave = undefined;
        resolve(rest === undefined ? (first ?? EMPTY) : Buffer.concat(rest));
      });
    });
  }
}
