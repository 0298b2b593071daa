import type { Address } from "./address.ts";
import type { Header } from "./message.ts";
import type { TypedValue } from "./typed-value.ts";

/**
 * What a source (one partition of a topic or stream) hands to the partition that reads it: runs of records
 * with their positions, already routed to functions.
 */
export interface SourceBatch {
  readonly source: string;
  /** Position of the first record, or of the gap before it: where the batch before ended (I5). */
  readonly first: number;
  /** The position behind the batch. */
  readonly next: number;
  /** Ascending positions from `first` on; there may be gaps between them. */
  readonly records: readonly SourceRecord[];
  /** `next` is below `first`: what is read there now is another than it was. Without records. */
  readonly goesBack?: boolean;
  /**
   * The number of the last cut of what was read, as it was when this was read: see partition/barrier.ts.
   * Default: it takes no part in snapshots.
   */
  readonly barrier?: number | undefined;
}

/** One record: its position, and the messages it becomes. None: it was skipped, or is invalid. */
export interface SourceRecord {
  readonly position: number;
  /** Its time, in ms since the epoch, where it has one. */
  readonly recordAtMs?: number;
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
