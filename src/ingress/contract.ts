import type { StatefoldError } from "../base/errors.ts";
import type { Address } from "../model/address.ts";
import type { Header } from "../model/message.ts";
import type { TypedValue } from "../model/typed-value.ts";

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

  /** The next position of the source, as durably stored; undefined when it was never read. */
  position(source: string, partition: number): Promise<number | undefined>;

  /**
   * Takes a run of records, in order. I5: `batch.first` is the position the partition expects; what is below
   * it is ignored, a gap refused. Where no position is stored, the first batch sets it. A batch without
   * records moves the position from `first` to `next` all the same.
   *
   * Resolves when the partition has room for more: that is the back-pressure. It is no acknowledgement.
   * When it rejects, the source asks for its position again after a while, and goes on from there.
   * One at a time for each source, except that a batch of before a `rewind` may still be waiting.
   */
  take(partition: number, batch: SourceBatch): Promise<void>;
}

export interface SourceBatch {
  readonly source: string;
  /** Position of the first record, or of the gap before it: where the batch before ended. */
  readonly first: number;
  /** The position behind the batch. */
  readonly next: number;
  /** Ascending positions; there may be gaps between them. */
  readonly records: readonly SourceRecord[];
}

/** One record: its position, and the messages it becomes. None: it was skipped, or is invalid. */
export interface SourceRecord {
  readonly position: number;
  readonly messages: readonly RoutedMessage[];
  /** It belongs among the dead letters (RECORD_INVALID). */
  readonly invalid?: InvalidRecord;
}

export interface InvalidRecord {
  readonly reason: string;
  readonly key: Uint8Array | undefined;
  /** The record's value under the route's type; without value for a tombstone. */
  readonly value: TypedValue;
  readonly headers: readonly Header[];
  readonly traceparent: string | undefined;
}

/** A message from outside. Who takes it gives it its id: for a source, of source and position. */
export interface RoutedMessage {
  readonly target: Address;
  readonly value: TypedValue;
  readonly headers: readonly Header[];
  readonly traceparent: string | undefined;
}

export interface SourceStatus {
  readonly source: string;
  /** The partition that reads it. */
  readonly partition: number;
  /** The next position to be handed over; undefined until it is known. */
  readonly next: number | undefined;
  /** Records behind it; undefined while that is not known. */
  readonly lag: number | undefined;
  /** Why it has ended and waits for a person; undefined while it reads. */
  readonly stopped: StatefoldError | undefined;
}

/** The partition that reads a source, from the source's name. */
export function partitionOfSource(source: string, partitionCount: number): number {
  return Number(source.slice(source.lastIndexOf("/") + 1)) % partitionCount;
}
