export interface BenchOptions {
  /** Repetitions of each measurement; the tables show medians. */
  readonly rounds: number;
  /** Of each measurement, after half as long of warming up. */
  readonly seconds: number;
  /** What the counts of timers, addresses, records and bytes are multiplied by; 1 is what the documents speak of. */
  readonly scale: number;
  /** Where the node's time goes, in one more round. */
  readonly profile: boolean;
  /** Of what a benchmark measures one after the other, these: connections, rates, tokens, disturbances. None: all. */
  readonly only: readonly string[];
}
