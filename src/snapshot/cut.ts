/** What is asked of the partitions, and what they bring: the port between them and the snapshots. */
import type { StoreSnapshot } from "../store/contract.ts";

/** All partitions of the application. */
export interface SnapshotPartitions {
  readonly count: number;
  /** The greatest number that any of them has cut at. */
  readonly barrier: number;
  /** Each is to take its cut for this snapshot. */
  announce(barrier: number): void;
  /** The snapshot is complete: what changes from here on is all that the next one need hold. */
  completed(barrier: number): void;
}

/** The topic log, which takes part as a partition does. */
export interface SnapshotLog {
  /** The number of its last cut. */
  readonly barrier: number;
  /** It is to cut for this snapshot, unless it has: it hands over the cut to the coordinator, now. */
  cutFor(barrier: number): void;
}

/** A partition's part of a snapshot: what it was between two epochs. */
export interface PartitionCut {
  readonly partition: number;
  readonly barrier: number;
  /** What has changed since a complete snapshot; undefined: unknown. */
  readonly changes: CutChanges | undefined;
  /** Closed by whoever has the cut. */
  readonly snapshot: StoreSnapshot;
}

export interface CutChanges {
  /** The barrier of that snapshot. */
  readonly since: number;
  /** Nothing but these keys, with one character for each byte; one may be in several sets. */
  readonly keys: readonly ReadonlySet<string>[];
}
