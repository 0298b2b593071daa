/** Uniform in [0, 1). Math.random in production, seeded in the simulation. */
export type Random = () => number;

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * Exponential back-off with equal jitter: half of the step is certain, half is drawn, so that many that
 * failed together do not come back together and none comes back at once.
 * (M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.)
 *
 * @param attempt 1 for the wait after the first failure
 */
export function backoffMs(attempt: number, options: BackoffOptions, random: Random): number {
  const step = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(attempt - 1, 52));
  return Math.round(step / 2 + (random() * step) / 2);
}
