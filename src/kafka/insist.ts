import { backoffMs, type Random } from "../base/backoff.ts";
import { KafkaError } from "./error.ts";

/** How to wait and for how long. */
export interface Patience {
  readonly sleep: (waitMs: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  readonly random: Random;
  /** Asked again as often. */
  readonly tries: number;
}

/** What a broker says while it is about to be able to, a few milliseconds to a second later. */
const PASSING: ReadonlySet<string> = new Set([
  ...["COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR"],
  ...["NOT_LEADER_OR_FOLLOWER", "LEADER_NOT_AVAILABLE", "REPLICA_NOT_AVAILABLE"],
  // The end of the transaction before is still being written.
  ...["CONCURRENT_TRANSACTIONS", "UNSTABLE_OFFSET_COMMIT"],
]);

/** The end of a transaction takes 1 to 15 ms as a rule. */
const BACKOFF = { initialMs: 2, maxMs: 200 };

export const isPassing = (error: unknown): boolean =>
  error instanceof KafkaError && PASSING.has(error.code);

/** Asks until the broker is ready to answer, or the patience is over. Other errors come through at once. */
export async function insist<T>(patience: Patience, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      patience.signal.throwIfAborted();
      if (!isPassing(error) || attempt >= patience.tries) throw error;
    }
    await patience.sleep(backoffMs(attempt, BACKOFF, patience.random), patience.signal);
  }
}
