import type { MessagePort } from "node:worker_threads";
import type { Module } from "../../spec/module.ts";
import type { LogLevel } from "../../telemetry/logger.ts";
import type { KafkaParts } from "../kafka.ts";
import type { StorageShare } from "../storage.ts";

/** What a thread is made of: plain data, shared memory, and the ends of its lines. */
export interface ThreadSetup {
  readonly application: string;
  /** Of the node. */
  readonly threads: number;
  /** Those that sit on it. */
  readonly partitions: readonly number[];
  readonly storage: StorageShare;
  readonly module: Module;
  /** Of the topic log: what a record may have. */
  readonly maxRecordBytes: number;
  readonly kafka: Omit<KafkaParts, "report">;
  readonly takesSnapshots: boolean;
  readonly logLevel: LogLevel;
  /** By partition: FigureSheet. */
  readonly sheets: ReadonlyMap<number, SharedArrayBuffer>;
  /** See thread-figures.ts. */
  readonly figures: SharedArrayBuffer;
  /** To the other threads, by their numbers. */
  readonly peers: ReadonlyMap<number, MessagePort>;
}

/** The thread that a partition sits on. */
export function threadOf(partition: number, threads: number): number {
  return partition % threads;
}
