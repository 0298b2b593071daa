export interface BenchOptions {
  /** Repetitions of each measurement; the tables show medians. */
  readonly rounds: number;
  /** Of each measurement, after half as long of warming up. */
  readonly seconds: number;
  /** Of the isolation benchmark: these disturbances. None: all. */
  readonly only: readonly string[];
}
