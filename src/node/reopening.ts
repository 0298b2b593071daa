/**
 * What follows when a partition has lost its memory: its store is closed, and it is opened anew from what is
 * durable, after a pause; when that keeps failing, it is given up. Owns how often; not what opening is.
 */
import { describeError, type StatefoldError } from "../base/errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import { sleep } from "./sleep.ts";

/** Failures in a row, of a life or of an opening, before it is given up. */
const MAX_FAILURES = 3;
/** A partition that still commits so long after it was opened has recovered: it may fail again. */
const RECOVERED_AFTER_MS = 30_000;
/** The pause before the first opening after a failure; each next one is longer by as much. */
const REOPEN_AFTER_MS = 250;

export interface ReopeningOptions {
  readonly open: () => Promise<void>;
  /** With the reason, a code of the error table. */
  readonly giveUp: (cause: unknown) => void;
  readonly logger: Logger;
  /** Default 250. */
  readonly afterMs?: number | undefined;
}

export class Reopening {
  readonly #options: ReopeningOptions;
  readonly #abort = new AbortController();
  /** Since it last recovered. */
  #failures = 0;
  /** Never rejects. */
  #running: Promise<void> = Promise.resolve();

  constructor(options: ReopeningOptions) {
    this.#options = options;
  }

  /** A life has committed that began at this time, by `performance.now`. */
  committed(openedAtMs: number): void {
    if (performance.now() - openedAtMs >= RECOVERED_AFTER_MS) this.#failures = 0;
  }

  /** A life has failed. `close` ends what is left of it. */
  begin(cause: unknown, close: () => Promise<void>): void {
    this.#running = this.#reopen(cause, close);
  }

  /** A life has ended that no other may follow. */
  giveUp(cause: StatefoldError, close: () => Promise<void>): void {
    const end = async (): Promise<void> => {
      await this.#closes(close);
      this.#options.giveUp(cause);
    };
    this.#running = end();
  }

  /** Nothing is opened any more; resolves when what was under way has ended. Idempotent. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #reopen(cause: unknown, close: () => Promise<void>): Promise<void> {
    const { afterMs = REOPEN_AFTER_MS, open, giveUp, logger } = this.#options;
    const { signal } = this.#abort;
    // A store that is not closed cannot be opened.
    if (!(await this.#closes(close))) return giveUp(cause);
    let reason = cause;
    while (!signal.aborted) {
      if (++this.#failures > MAX_FAILURES) return giveUp(reason);
      await sleep(afterMs * this.#failures, signal);
      if (signal.aborted) return;
      try {
        return await open();
      } catch (error) {
        reason = error;
        logger.error({ reason: describeError(error) }, "The partition does not open.");
      }
    }
  }

  async #closes(close: () => Promise<void>): Promise<boolean> {
    try {
      await close();
      return true;
    } catch (error) {
      const reason = describeError(error);
      this.#options.logger.error({ reason }, "The partition's store does not close.");
      return false;
    }
  }
}
