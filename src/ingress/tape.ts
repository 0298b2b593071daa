import type { IncomingRecord } from "./route.ts";

/**
 * What a source reads: one partition of a topic, wherever it is kept. The loop above it (source.ts) owns
 * positions, routing, back-off and back-pressure; a tape only reads from where it is told.
 *
 * Whatever fails for the moment is thrown, and asked again after a while.
 */
export interface Tape {
  /** Where to begin a tape that was never read. May be asked again before anything was read. */
  begin(signal: AbortSignal): Promise<number>;

  /**
   * What stands at a position, as soon as something does. One call at a time, but for one that was aborted.
   *
   * @param alive to be called whenever the tape was found in order, also while there is nothing to read
   * @throws StatefoldError LOG_CORRUPT or STORE_FORMAT: it cannot get better by itself
   */
  read(position: number, signal: AbortSignal, alive: () => void): Promise<TapeRun>;

  /** Behind the last record, as far as that is known. */
  readonly end: number | undefined;

  /**
   * The number of its last cut for a snapshot, as of now (partition/barrier.ts): what was read before goes out
   * with it. Default: it takes no part in snapshots.
   */
  readonly barrier?: number;

  /** It is read no more. */
  close(): void;
}

export interface TapeRun {
  readonly records: readonly IncomingRecord[];
  /**
   * The position behind the run. Without records: the tape goes on there. Below the position asked for:
   * the tape is another one than it was, and is read from there.
   */
  readonly next: number;
}
