import { type Clock, systemClock } from "../base/clock.ts";
import { StatefoldError } from "../base/errors.ts";
import { type Report, silent } from "../base/report.ts";
import type { LogCut } from "./cut.ts";
import type { FileSystem } from "./files.ts";
import { nodeFiles } from "./node-files.ts";

export interface TopicLogOptions {
  /** Partitions of a topic that is made on first use. Default 8. A topic's count never changes. */
  readonly partitions?: number;
  /** A segment that has reached so many bytes is closed. Default 32 MiB. */
  readonly segmentBytes?: number;
  /** Default: everything is kept. */
  readonly retention?: Retention;
  /** The largest record taken; VALUE_TOO_LARGE beyond. Default 16 MiB, at most 32 MiB. */
  readonly maxRecordBytes?: number;
  /** What may wait to be written per partition; OVERLOADED beyond. Default 64 MiB. */
  readonly maxPendingBytes?: number;
  /** Files open at a time, over all topics. Default 128. */
  readonly maxOpenFiles?: number;
  /** Topics at most; making one more is OVERLOADED. Default 1000. */
  readonly maxTopics?: number;
  /**
   * Given a cut of everything whenever one is to be taken (TopicLog.cutFor); whoever gets it closes it. Every
   * partition is opened at once for that. Default: nobody takes snapshots.
   */
  readonly onCut?: ((cut: LogCut) => void) | undefined;
  readonly files?: FileSystem;
  readonly clock?: Clock;
  readonly report?: Report;
}

/** Whole closed segments go, the oldest first, as soon as one of the two says so. Per partition. */
export interface Retention {
  /** So many bytes are kept at most, besides the segment that grows. */
  readonly maxBytes?: number;
  /**
   * A record is kept at least so long, and at most half as long again plus the time between two sweeps.
   * Counted by this machine's clock from when it was written, not by the record's own time.
   */
  readonly maxAgeMs?: number;
}

export interface ResolvedOptions {
  readonly partitions: number;
  readonly segmentBytes: number;
  readonly retention: Retention;
  readonly maxRecordBytes: number;
  readonly maxPendingBytes: number;
  readonly maxOpenFiles: number;
  readonly maxTopics: number;
  readonly onCut: ((cut: LogCut) => void) | undefined;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly report: Report;
}

/** A record must fit into one frame, whatever its headers cost on top. */
const MAX_RECORD_BYTES = 32 * 1024 * 1024;
const MAX_PARTITIONS = 10_000;

export function resolveOptions(options: TopicLogOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    partitions: options.partitions ?? 8,
    segmentBytes: options.segmentBytes ?? 32 * 1024 * 1024,
    retention: options.retention ?? {},
    maxRecordBytes: options.maxRecordBytes ?? 16 * 1024 * 1024,
    maxPendingBytes: options.maxPendingBytes ?? 64 * 1024 * 1024,
    maxOpenFiles: options.maxOpenFiles ?? 128,
    maxTopics: options.maxTopics ?? 1000,
    onCut: options.onCut,
    files: options.files ?? nodeFiles,
    clock: options.clock ?? systemClock,
    report: options.report ?? silent,
  };
  checkPartitionCount(resolved.partitions);
  checkRange("segmentBytes", resolved.segmentBytes, 1, 2 ** 31);
  checkRange("maxRecordBytes", resolved.maxRecordBytes, 1, MAX_RECORD_BYTES);
  checkRange("maxPendingBytes", resolved.maxPendingBytes, 1, 2 ** 40);
  checkRange("maxOpenFiles", resolved.maxOpenFiles, 1, 2 ** 20);
  checkRange("maxTopics", resolved.maxTopics, 1, 2 ** 20);
  return resolved;
}

export function checkPartitionCount(count: number): void {
  checkRange("partitions", count, 1, MAX_PARTITIONS);
}

function checkRange(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new StatefoldError(
    "CONFIG_INVALID",
    `topic log: ${name} is ${value}; it must be a whole number from ${min} to ${max}`,
  );
}
