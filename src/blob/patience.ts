import { setTimeout } from "node:timers/promises";
import { type BackoffOptions, backoffMs, type Random } from "../base/backoff.ts";
import { StatefoldError } from "../base/errors.ts";

/** How often, how long and with which pauses a blob store is asked again. */
export interface Patience extends BackoffOptions {
  /** Of one request in a row, the first included. What makes progress begins to count anew. */
  readonly attempts: number;
  /** No attempt begins so long after the first failure in a row. */
  readonly giveUpMs: number;
  readonly random: Random;
  /** Time that never goes back. */
  now(): number;
  /** Resolves after a while; rejects with the reason of the signal when that aborts. */
  wait(delayMs: number, signal: AbortSignal | undefined): Promise<void>;
  /** Told of every failure that is followed by another attempt. */
  onRetry?(failure: StatefoldError): void;
}

export const PATIENCE: Patience = {
  attempts: 8,
  initialMs: 200,
  maxMs: 10_000,
  giveUpMs: 60_000,
  random: Math.random,
  now: () => performance.now(),
  async wait(delayMs, signal) {
    try {
      await setTimeout(delayMs, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** Failures in a row of one piece of work. */
export class Tries {
  readonly #patience: Patience;
  readonly #signal: AbortSignal | undefined;
  #failures = 0;
  #sinceMs = 0;

  constructor(patience: Patience, signal: AbortSignal | undefined) {
    this.#patience = patience;
    this.#signal = signal;
  }

  /** It worked, or got further. */
  progressed(): void {
    this.#failures = 0;
  }

  /** Waits until the next attempt. Throws the failure when another would not help, or there was the last. */
  async failed(failure: unknown): Promise<void> {
    this.#signal?.throwIfAborted();
    if (!isPassing(failure)) throw failure;
    const { attempts, giveUpMs } = this.#patience;
    const nowMs = this.#patience.now();
    if (this.#failures === 0) this.#sinceMs = nowMs;
    this.#failures++;
    const delayMs = backoffMs(this.#failures, this.#patience, this.#patience.random);
    if (this.#failures >= attempts || nowMs + delayMs - this.#sinceMs > giveUpMs) throw failure;
    this.#patience.onRetry?.(failure);
    await this.#patience.wait(delayMs, this.#signal);
  }
}

/** What `attempt` resolves to, which is made again while its failures may pass. */
export async function insist<T>(
  patience: Patience,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  const tries = new Tries(patience, signal);
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      await tries.failed(error);
    }
  }
}

function isPassing(failure: unknown): failure is StatefoldError {
  return failure instanceof StatefoldError && failure.code === "BLOB_UNAVAILABLE";
}
