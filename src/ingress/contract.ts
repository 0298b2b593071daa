import type { StatefoldError } from "../base/errors.ts";
import type { SourceBatch } from "../model/source.ts";

/**
 * Ways in that have positions: sources whose records can be read again from a position, so that the position
 * is stored with the effects (I3) and everything is taken exactly once.
 *
 * A source is one partition of one topic or stream. Its name ends in `/k`, and it is read by the partition
 * `k mod partitionCount`: a restore to another count assigns stored positions by that rule.
 */
export interface Ingress {
  /** `namespace/name`. */
  readonly id: string;

  /**
   * Begins to read. Resolves when every source knows where it begins, or has reported why it does not.
   * Rejects when it cannot work at all.
   */
  start(sink: SourceSink): Promise<void>;

  /**
   * Hands over nothing more. What the sink was still taking when this resolves may be taken or not: the
   * stored position says which. Idempotent.
   */
  stop(): Promise<void>;

  /**
   * The partition has lost what it took and did not commit, or was opened anew: its sources ask for their
   * positions again and go on from there.
   */
  rewind(partition: number): void;

  sources(): readonly SourceStatus[];
}

/** Where a source puts its records: implemented by the node over the partitions. */
export interface SourceSink {
  readonly partitionCount: number;

  /** The next position of the source; undefined when it was never read. */
  position(source: string, partition: number): Promise<number | undefined>;

  /** The next position that a crash of this moment would find; undefined when there is none, or it is down. */
  durable(source: string, partition: number): Promise<number | undefined>;

  /**
   * Takes a run of records, in order. I5: `batch.first` is the position the partition expects; what is below
   * it is ignored, a gap refused. Where no position is stored, the first batch sets it. A batch without
   * records moves the position from `first` to `next` all the same, back only when it says so.
   *
   * Resolves when the partition has room for more: that is the back-pressure. It is no acknowledgement.
   * When it rejects, the source asks for its position again after a while, and goes on from there.
   * One at a time for each source, except that a batch of before a `rewind` may still be waiting.
   */
  take(partition: number, batch: SourceBatch): Promise<void>;
}

export interface SourceStatus {
  readonly source: string;
  /** The partition that reads it. */
  readonly partition: number;
  /** The next position to be handed over; undefined until it is known. */
  readonly next: number | undefined;
  /** Records behind it; undefined while that is not known. */
  readonly lag: number | undefined;
  /** Why it cannot go on just now, and tries again; undefined while it reads. */
  readonly waiting: string | undefined;
  /** Why it has ended and waits for a person; undefined while it reads. */
  readonly stopped: StatefoldError | undefined;
}
