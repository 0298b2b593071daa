/** What can be read: of a store as it is, or of a snapshot as it was. */
export interface StoreReader {
  /** The value under each key, undefined where there is none. In the order of the keys. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;

  /** Entries in key order, from `from` (included) up to `until` (excluded). */
  scan(range: ScanRange): Promise<Entry[]>;
}

/**
 * What a partition asks of its store: ordered keys, and one atomic durable write at a time.
 *
 * Keys compare as unsigned bytes. Values and keys handed in are not changed by either side afterwards.
 */
export interface Store extends StoreReader {
  /**
   * I3: all of the writes or none, durable when the promise resolves. Later writes of one key win.
   * After a rejection nothing is known: the caller drops its memory and opens anew, it never retries.
   *
   * @param epoch the epoch these writes end; it grows from commit to commit. It is remembered outside
   *   the store too (the witness), so that a store older than it is not believed at the next open.
   */
  commit(writes: readonly Write[], epoch: number): Promise<void>;

  /**
   * What is durable at this moment, to be read whatever is committed afterwards. To be taken while no commit
   * is running, and to be closed: until then the store keeps what it would otherwise drop.
   */
  snapshot(): StoreSnapshot;

  /** Ends it, and its snapshots. Idempotent; what is running finishes first. */
  close(): Promise<void>;
}

/** A store that is being made from something else: nobody believes in it before its first commit. */
export interface StoreInTheMaking extends Pick<Store, "commit"> {
  /**
   * Writes, without waiting for the disk. All that was filled is durable when the commit that follows has
   * resolved; until then any part of it may be there. Not to be used once a commit has begun. In the order of the keys it
   * costs least.
   */
  fill(writes: readonly Write[]): Promise<void>;
}

/** Reads reject with StatefoldError UNAVAILABLE once the store is closed. */
export interface StoreSnapshot extends StoreReader {
  /** Ends it. Idempotent; what is running finishes first. */
  close(): Promise<void>;
}

export interface ScanRange {
  readonly from: Uint8Array;
  readonly until: Uint8Array;
  /** At most so many entries; at least one when there is one. */
  readonly limit: number;
  /** Ends after the entry that reaches so many bytes of keys and values. Default: no bound. */
  readonly maxBytes?: number;
}

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** `value` undefined deletes. */
export interface Write {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}
