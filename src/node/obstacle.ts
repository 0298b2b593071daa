import type { Address } from "../model/address.ts";
import type { Partition } from "../partition/partition.ts";

/** Why an address's mail is not delivered at the moment, in words; undefined while nothing is in its way. */
export function obstacleOf(partition: Partition, address: Address): string | undefined {
  const parked = partition.parking.get(address);
  if (parked !== undefined) {
    const { code, reason } = parked;
    return `${address.type}/${address.id} is parked until somebody retries it (${code}: ${reason})`;
  }
  const { state } = partition.delivery.lane(address.type)?.circuit ?? {};
  if (state === undefined || state.kind === "closed") return undefined;
  return `the endpoint of ${address.type} is in trouble and being probed (${state.reason})`;
}
