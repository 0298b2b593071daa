import { incarnationOf } from "../model/outbox-number.ts";
import type { Partition } from "../partition/partition.ts";

/**
 * Whether an egress's records from a number on may leave. What an incarnation has for an egress leaves behind all that
 * those before it left there, in whatever partition: since a restore on another number of partitions an address may
 * have records in two, and they keep their order.
 *
 * @param partitions all of them; undefined: it is down
 */
export function nothingOlder(
  partitions: readonly (Partition | undefined)[],
  egress: string,
  first: number,
): boolean {
  const incarnation = incarnationOf(first);
  if (incarnation === 0) return true;
  return partitions.every((partition) => {
    if (partition === undefined) return false; // nobody knows what it holds
    // One that a loss has not touched goes on with its numbers, which nobody has to wait for.
    const least = Math.min(incarnation, partition.incarnation);
    return partition.outboxes
      .ofEgress(egress)
      .every(({ lowest }) => incarnationOf(lowest) >= least);
  });
}
