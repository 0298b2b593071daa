/** Time as snapshots need it: everything that waits here waits by it. */
export interface SnapshotClock {
  /** Time that never goes back, in ms. */
  now(): number;
  /** The time of day, in ms since the epoch: for people to read. */
  timeOfDay(): number;
  /** Calls `run` after a while, unless what it returns is called before. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemSnapshotClock: SnapshotClock = {
  now: () => performance.now(),
  timeOfDay: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Rejects with the reason of the signal when that aborts. */
export function pause(
  clock: SnapshotClock,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const aborted = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    });
    signal?.addEventListener("abort", aborted, { once: true });
  });
}
