import { incarnationOf } from "../model/outbox-number.ts";
import type { Partition } from "../partition/partition.ts";

/**
 * Whether a partition has nothing for an egress from before an incarnation. What an incarnation has for an egress
 * leaves behind all that those before it left there, in whatever partition: since a restore on another number of
 * partitions an address may have records in two, and they keep their order.
 *
 * Once it is so it stays so, also over openings: what they find again was published.
 */
export function holdsNothingOlder(
  partition: Pick<Partition, "incarnation" | "outboxes">,
  egress: string,
  incarnation: number,
): boolean {
  // One that a loss has not touched goes on with its numbers, which nobody has to wait for.
  const least = Math.min(incarnation, partition.incarnation);
  return partition.outboxes.ofEgress(egress).every(({ lowest }) => incarnationOf(lowest) >= least);
}

/**
 * The same of all partitions, for records whose numbers begin here.
 *
 * @param partitions undefined: it is down
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
    return holdsNothingOlder(partition, egress, incarnation);
  });
}
