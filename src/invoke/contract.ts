import type { Invocation, Outcome } from "../model/invocation.ts";

/**
 * Calls the functions of one endpoint. What to call and when (one call per address, batches, circuits,
 * back-off) is the partition's business; an invoker bounds the calls in flight, of each function type and to
 * its endpoint, over all partitions, and turns whatever happens into an {@link Outcome}.
 */
export interface Invoker {
  /**
   * Tells `end` the outcome, once, whatever happens; maybe before it returns. Waits while the type or the endpoint has as many calls in flight as it may; that
   * wait is not part of the call's own time. An aborted signal ends the wait or the call as `retryLater`.
   */
  invoke(invocation: Invocation, signal: AbortSignal, end: (outcome: Outcome) => void): void;

  /** Many calls share a request at the moment (docs/frames.md). It may be found out, and change. */
  readonly isOnFrames: boolean;

  /**
   * Ends now: what is waiting or in flight ends as `retryLater`, later calls do so at once. Idempotent.
   * (To drain, the owner stops calling and waits for its outcomes first.)
   */
  close(): Promise<void>;
}
