import type { LogPartition } from "../log/partition.ts";
import type { PartitionOffset } from "../spec/module.ts";

/** Where a source begins that was never read. */
export type LogStartup =
  | { readonly type: "earliest" }
  | { readonly type: "latest" }
  | {
      readonly type: "specific-offsets";
      readonly offsets: readonly PartitionOffset[];
      /** For partitions that are not named, and offsets there are none of: Kafka's reset rule. */
      readonly otherwise: "earliest" | "latest";
    };

export function startupOffset(startup: LogStartup, log: LogPartition): number {
  switch (startup.type) {
    case "earliest":
      return log.startOffset;
    case "latest":
      return log.endOffset;
    case "specific-offsets": {
      const own = startup.offsets.find(
        ({ topic, partition }) => topic === log.topic && partition === log.partition,
      );
      const isThere =
        own !== undefined && own.offset >= log.startOffset && own.offset <= log.endOffset;
      return isThere ? own.offset : startupOffset({ type: startup.otherwise }, log);
    }
  }
}
