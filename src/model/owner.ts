/** Which of the partitions something belongs to: by itself, so that a restore can assign it anew. */
import type { Address } from "./address.ts";
import { partitionOf } from "./partitioner.ts";

/**
 * Messages to addresses of this type are replies to callers outside: the id is a call id, made by the
 * partition that took the call, and begins with the number of that partition.
 */
export const CALL_TYPE = "io.statefold/call";

/** The partition that owns an address; undefined when the address is impossible. */
export function ownerOf(address: Address, partitionCount: number): number | undefined {
  if (address.type !== CALL_TYPE) return partitionOf(address.id, partitionCount);
  const made = /^(\d{1,6})-/.exec(address.id);
  return made === null ? undefined : Number(made[1]) % partitionCount;
}

/** The partition that reads a source, from the source's name. */
export function partitionOfSource(source: string, partitionCount: number): number {
  return Number(source.slice(source.lastIndexOf("/") + 1)) % partitionCount;
}
