import type { IncomingMessage, ServerResponse } from "node:http";
import { StatefoldError } from "../base/errors.ts";
import type { GatewayLimits } from "./limits.ts";
import { invalid, Problem } from "./problem.ts";

/** How many bytes of bodies are held at the moment, over all requests. */
export interface BodyBudget {
  held: number;
}

/** The caller is gone: there is nobody to answer. */
export class HangUp extends Error {}

const EMPTY = Buffer.alloc(0);

/** One request's body: bounded by itself, and together with all others that are held. */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #limits: GatewayLimits;
  readonly #budget: BodyBudget;
  #reserved = 0;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    limits: GatewayLimits,
    budget: BodyBudget,
  ) {
    this.#request = request;
    this.#response = response;
    this.#limits = limits;
    this.#budget = budget;
  }

  /**
   * All of it. A body that is announced as too long is refused before its first byte is read.
   *
   * @throws VALUE_TOO_LARGE, OVERLOADED, HangUp
   */
  async read(): Promise<Buffer> {
    const { headers } = this.#request;
    const announced = headers["content-length"];
    if (announced === undefined && headers["transfer-encoding"] === undefined) return EMPTY;
    if (headers["content-encoding"] !== undefined && headers["content-encoding"] !== "identity") {
      throw invalid("compressed bodies are not taken; send it without content-encoding");
    }
    if (announced !== undefined) this.#reserve(Number(announced));
    if (headers.expect !== undefined) this.#response.writeContinue();
    return await this.#collect(announced !== undefined);
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
    const request = this.#request;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const detach = () => {
        request.off("data", onData);
        request.off("end", onEnd);
        request.off("close", onClose);
      };
      const onData = (chunk: Buffer) => {
        try {
          if (!isReserved) this.#reserve(chunk.byteLength);
          chunks.push(chunk);
        } catch (error) {
          detach();
          reject(error);
        }
      };
      const onEnd = () => {
        detach();
        const [first] = chunks;
        resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
      };
      const onClose = () => {
        detach();
        reject(new HangUp());
      };
      request.on("data", onData);
      request.on("end", onEnd);
      request.on("close", onClose);
    });
  }
}
