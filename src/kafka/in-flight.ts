import type Connection from "kafkajs/src/network/connection.js";
import { Deadline, Deadlines } from "../base/deadlines.ts";

/** One that was sent, until it has its answer or is given up. */
class Sent extends Deadline {
  readonly entry: Connection.Entry;
  readonly #all: Map<number, Sent>;
  readonly #sinceMs = performance.now();

  constructor(entry: Connection.Entry, all: Map<number, Sent>) {
    super();
    this.entry = entry;
    this.#all = all;
  }

  late(): void {
    const { apiName, correlationId, reject } = this.entry;
    this.#all.delete(correlationId);
    const waited = `${Math.round(performance.now() - this.#sinceMs)} ms`;
    reject(new Error(`request ${apiName} has had no answer for ${waited}`));
  }
}

/**
 * The requests of one connection that have no answer yet, in the order they were sent; one that has none for too
 * long is rejected. In the place of kafkajs's own queue, which sets a timer with each answer and looks for late ones
 * ten times a second.
 */
export class InFlight implements Connection.RequestQueue {
  readonly #timeoutMs: number;
  readonly #deadlines = new Deadlines();
  /** By correlation id. */
  readonly #sent = new Map<number, Sent>();
  /** Nothing is answered any more. */
  #isOver = false;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  push({ entry, sendRequest }: Connection.PushedRequest): void {
    // A connection counts as one while it is being closed.
    if (this.#isOver) return entry.reject(closed());
    const sent = new Sent(entry, this.#sent);
    this.#sent.set(entry.correlationId, sent);
    this.#deadlines.add(sent, this.#timeoutMs);
    sendRequest();
  }

  /** An answer to nothing that is known comes too late. */
  fulfillRequest(answer: Connection.Answer): void {
    const sent = this.#sent.get(answer.correlationId);
    if (sent === undefined) return;
    this.#sent.delete(answer.correlationId);
    this.#deadlines.delete(sent);
    sent.entry.resolve({ ...answer, entry: sent.entry });
  }

  rejectAll(error: Error): void {
    const all = [...this.#sent.values()];
    this.#sent.clear();
    for (const sent of all) {
      this.#deadlines.delete(sent);
      sent.entry.reject(error);
    }
  }

  destroy(): void {
    this.#isOver = true;
    this.rejectAll(closed());
  }

  /** Whoever disconnects gives them up. */
  async waitForPendingRequests(): Promise<void> {}

  /** Watched from the first request on. */
  scheduleRequestTimeoutCheck(): void {}

  /** No broker is asked to say so. */
  maybeThrottle(): void {}
}

const closed = (): Error => new Error("the connection was closed");
