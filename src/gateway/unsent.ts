import type { ServerResponse } from "node:http";
import type { GatewayLimits } from "./limits.ts";

/** Smaller answers are not counted: there can be no more of them than requests at once. */
const SMALL_BYTES = 16 * 1024;

/**
 * Answers that their readers have not taken yet. They are bounded together (I9): beyond the bound the one that
 * has waited longest is cut off, since whoever came last is likelier to be reading. And one of which nothing is taken
 * for a while is cut off in any case.
 */
export class UnsentAnswers {
  readonly #limits: GatewayLimits;
  /** Oldest first. */
  readonly #answers = new Map<ServerResponse, number>();
  #bytes = 0;

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** So much is about to be written to it at once. */
  add(response: ServerResponse, bytes: number): void {
    if (bytes < SMALL_BYTES) return;
    const { answerStallMs, maxUnsentBytes } = this.#limits;
    // Without a listener of its own, the server destroys the socket then.
    response.setTimeout(answerStallMs);
    response.once("close", () => this.#forget(response));
    this.#answers.set(response, bytes);
    this.#bytes += bytes;
    for (const oldest of this.#answers.keys()) {
      if (this.#bytes <= maxUnsentBytes || oldest === response) return;
      this.#forget(oldest);
      oldest.destroy();
    }
  }

  #forget(response: ServerResponse): void {
    this.#bytes -= this.#answers.get(response) ?? 0;
    this.#answers.delete(response);
  }
}
