import type Connection from "kafkajs/src/network/connection.js";

/** One that was sent, and since when. */
interface Sent {
  readonly entry: Connection.Entry;
  readonly sinceMs: number;
}

/**
 * The requests of one connection that have no answer yet, in the order they were sent; one that has none for too
 * long is rejected. In the place of kafkajs's own queue, which sets a timer with each answer and looks for late ones
 * ten times a second.
 */
export class InFlight implements Connection.RequestQueue {
  readonly #timeoutMs: number;
  /** By correlation id, the oldest first. */
  readonly #sent = new Map<number, Sent>();
  #timer: NodeJS.Timeout | undefined;
  /** Nothing is answered any more. */
  #isOver = false;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  push({ entry, sendRequest }: Connection.PushedRequest): void {
    // A connection counts as one while it is being closed.
    if (this.#isOver) return entry.reject(closed());
    this.#sent.set(entry.correlationId, { entry, sinceMs: performance.now() });
    this.#watch();
    sendRequest();
  }

  /** An answer to nothing that is known comes too late. */
  fulfillRequest(answer: Connection.Answer): void {
    const sent = this.#sent.get(answer.correlationId);
    if (sent === undefined) return;
    this.#sent.delete(answer.correlationId);
    sent.entry.resolve({ ...answer, entry: sent.entry });
  }

  rejectAll(error: Error): void {
    const all = [...this.#sent.values()];
    this.#sent.clear();
    for (const { entry } of all) entry.reject(error);
  }

  destroy(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.rejectAll(closed());
  }

  /** Whoever disconnects gives them up. */
  async waitForPendingRequests(): Promise<void> {}

  /** Watched from the first request on. */
  scheduleRequestTimeoutCheck(): void {}

  /** No broker is asked to say so. */
  maybeThrottle(): void {}

  #watch(): void {
    if (this.#timer !== undefined) return;
    const [oldest] = this.#sent.values();
    if (oldest === undefined) return;
    const leftMs = oldest.sinceMs + this.#timeoutMs - performance.now();
    this.#timer = setTimeout(() => this.#look(), Math.max(0, leftMs));
    this.#timer.unref(); // the socket keeps the process
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const [id, { entry, sinceMs }] of this.#sent) {
      if (nowMs - sinceMs < this.#timeoutMs) break;
      this.#sent.delete(id);
      const waited = `${Math.round(nowMs - sinceMs)} ms`;
      entry.reject(new Error(`request ${entry.apiName} has had no answer for ${waited}`));
    }
    this.#watch();
  }
}

const closed = (): Error => new Error("the connection was closed");
