/**
 * The gateway's bounds (I9), and what happens at each.
 */
export interface GatewayLimits {
  /** A longer body is answered 413, before it is read to its end. Default 10 MiB. */
  readonly maxBodyBytes: number;
  /** A longer request line with its headers is answered 431. Default 16 KiB. */
  readonly maxHeaderBytes: number;
  /**
   * Requests at once; one more is answered 429. Health and metrics do not count. Nine tenths may be calls to functions of
   * one type. Default 12 000.
   */
  readonly maxInFlight: number;
  /** Let in with each turn of the event loop; others wait for the next, probes and metrics excepted. Default 64. */
  readonly requestsPerTurn: number;
  /** Answered 429 in a second; others are told later, beyond `maxInFlight` at once. Default 2 000. */
  readonly refusalsPerSecond: number;
  /** Lists and reads of topics that are being answered, which takes memory; one more is answered 429. Default 16. */
  readonly maxReads: number;
  /** Followers of topics, who stay; one more is answered 429. Default 1 000. */
  readonly maxFollowers: number;
  /** Bodies held in memory at once, all together; one more is answered 429. Default 256 MiB. */
  readonly maxBufferedBytes: number;
  /** Answers that their readers have not taken, all together; beyond, the oldest is cut off. Default 256 MiB. */
  readonly maxUnsentBytes: number;
  /** An answer of which nothing is taken for so long is cut off. Default 30 s. */
  readonly answerStallMs: number;
  /** Connections at once; one more is closed as it comes, and the log says so. Default 20 000. */
  readonly maxConnections: number;
  /** For the headers, and for the whole request; a slower sender is answered 408. Default 10 s, 60 s. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept; longer than proxies keep theirs. Default 65 s. */
  readonly keepAliveMs: number;
  /** How long and how far a body that is refused is still taken and dropped, so that its sender gets to read the answer. */
  readonly lingerMs: number;
  readonly lingerBytes: number;
  /** What a caller may ask for at most as `?timeout=`. Default 1 h. */
  readonly maxCallTimeoutMs: number;
  /** When it asks for nothing. Default 30 s. */
  readonly callTimeoutMs: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  maxBodyBytes: 10 * 2 ** 20,
  maxHeaderBytes: 16 * 2 ** 10,
  maxInFlight: 12_000,
  requestsPerTurn: 64,
  refusalsPerSecond: 2_000,
  maxReads: 16,
  maxFollowers: 1_000,
  maxBufferedBytes: 256 * 2 ** 20,
  maxUnsentBytes: 256 * 2 ** 20,
  answerStallMs: 30_000,
  maxConnections: 20_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveMs: 65_000,
  lingerMs: 2_000,
  lingerBytes: 64 * 2 ** 20,
  maxCallTimeoutMs: 3_600_000,
  callTimeoutMs: 30_000,
};
