/** Which of the partitions something belongs to: by itself, so that a restore can assign it anew. */
import type { Address } from "./address.ts";
import { partitionOf } from "./partitioner.ts";

/**
 * Messages to addresses of this type are replies to callers outside: the id is a call id, made by the
 * partition that took the call, and begins with the number of that partition.
 */
export const CALL_TYPE = "io.statefold/call";

const MAX_DIGITS = 6;
const HYPHEN = 0x2d;
const ZERO = 0x30;

/** The partition that owns an address; undefined when the address is impossible. */
export function ownerOf(address: Address, partitionCount: number): number | undefined {
  if (address.type !== CALL_TYPE) return partitionOf(address.id, partitionCount);
  const made = madeBy(address.id);
  return made === undefined ? undefined : made % partitionCount;
}

/** The number that a call's id begins with: one to six digits and a '-'. */
function madeBy(callId: string): number | undefined {
  let number = 0;
  for (let at = 0; at <= MAX_DIGITS; at++) {
    const code = callId.charCodeAt(at);
    if (code === HYPHEN) return at === 0 ? undefined : number;
    if (!(code >= ZERO && code <= ZERO + 9)) return undefined;
    number = number * 10 + code - ZERO;
  }
  return undefined;
}

/** The partition that reads a source, from the source's name. */
export function partitionOfSource(source: string, partitionCount: number): number {
  return Number(source.slice(source.lastIndexOf("/") + 1)) % partitionCount;
}
