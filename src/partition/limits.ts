/** Every bound of a partition (I9): its name, its unit, and what happens there. */
export interface PartitionLimits {
  /**
   * Accepted but unfinished messages and outbox entries. At the bound sources are no longer taken from and
   * requests are refused (OVERLOADED). What functions send is never refused. The mail of parked addresses
   * does not count.
   */
  readonly unfinishedMessages: number;
  /** The same for the bytes of unfinished mail. */
  readonly unfinishedBytes: number;
  /** The same for the bytes of effects that their destination has not acknowledged, on disk. */
  readonly outboxBytes: number;
  /** Mail held in memory, all addresses together, with the objects around it. Beyond, new mail waits on disk alone. */
  readonly mailBytesInMemory: number;
  /** Mail of one address held in memory. Beyond, it waits on disk alone. */
  readonly mailboxMessagesInMemory: number;
  /** Messages that one turn counts of the mail that an opening finds. The rest is for the next ones. */
  readonly surveyMessages: number;
  /**
   * Addresses parked at once: what fails for so many fails for all. Beyond, the same as for unfinished
   * work, until a person decides.
   */
  readonly parkedAddresses: number;
  /** Messages of a parked address. Beyond, new ones become dead letters. */
  readonly parkedMessages: number;
  /** The bytes of one request to a function; a batch ends before it. At least one message goes. */
  readonly batchBytes: number;
  /**
   * What the requests in flight of one function type carry, states and messages together. Beyond, its next
   * address waits; one request always goes, and before a state is read its size is guessed by the last one's.
   */
  readonly callBytes: number;
  /** Recently used states kept in memory. Beyond, the least recently used are dropped. */
  readonly stateCacheBytes: number;
  /** All states of one address, encoded. An answer that would exceed it has failed. */
  readonly stateBytes: number;
  /**
   * What the effects of one answer take, its states aside: each names its sender and its cause again. An
   * answer that would exceed it has failed.
   */
  readonly effectsBytes: number;
  /** States a function type may register. An answer that asks for more has failed. */
  readonly statesPerType: number;
  /** Effects for one destination sent but not acknowledged. Beyond, they wait on disk alone. */
  readonly outboxBytesInMemory: number;
  /** Timers held in memory, twice as many at most for a moment. Beyond, the later ones are on disk alone. */
  readonly timersInMemory: number;
  /** The same for what their messages weigh; one at least is held. */
  readonly timerBytesInMemory: number;
  /**
   * What one epoch may gather. Beyond, outcomes and what else comes in wait for the next one, which begins
   * as soon as the running commit ends. With one answer's worth on top it must stay below what the store
   * takes in one commit.
   */
  readonly epochBytes: number;
  /**
   * Keys that changed since the last complete snapshot, kept for the next one. Beyond, the next one holds
   * everything. Nothing is kept where no snapshots are taken.
   */
  readonly changedKeys: number;
  /** The same for what they take in memory. */
  readonly changedKeyBytes: number;
  /**
   * How long changes may wait for others to share their commit, while nobody waits for them. Each commit
   * writes all mail that is pending and about to be done: it pays when much more has been done meanwhile.
   */
  readonly commitLingerMs: number;
  /** How long idempotency keys and replies are kept. */
  readonly retentionMs: number;
}

export const DEFAULT_LIMITS: PartitionLimits = {
  unfinishedMessages: 200_000,
  unfinishedBytes: 256 * 1024 * 1024,
  outboxBytes: 1024 * 1024 * 1024,
  mailBytesInMemory: 64 * 1024 * 1024,
  mailboxMessagesInMemory: 1_000,
  surveyMessages: 500,
  parkedAddresses: 100_000,
  parkedMessages: 100_000,
  batchBytes: 4 * 1024 * 1024,
  callBytes: 128 * 1024 * 1024,
  stateCacheBytes: 64 * 1024 * 1024,
  stateBytes: 32 * 1024 * 1024,
  effectsBytes: 96 * 1024 * 1024,
  statesPerType: 256,
  outboxBytesInMemory: 8 * 1024 * 1024,
  timersInMemory: 50_000,
  timerBytesInMemory: 64 * 1024 * 1024,
  epochBytes: 64 * 1024 * 1024,
  changedKeys: 250_000,
  changedKeyBytes: 32 * 1024 * 1024,
  commitLingerMs: 100,
  retentionMs: 24 * 60 * 60 * 1000,
};
