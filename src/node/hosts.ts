/** The partitions that sit on this thread, and the ways from each to all others. */
import type { PeerInput, PeerRelease } from "../partition/peers.ts";
import { peerInput } from "../partition/peers.ts";
import { nothingOlder } from "./older-records.ts";
import { PartitionHost, type PartitionHostOptions } from "./partition-host.ts";

export interface HostsOptions
  extends Omit<PartitionHostOptions, "index" | "toPeer" | "mayPublish"> {
  /** What has another thread's partition for its receiver. Default: there is none. */
  readonly away?: AwayPartitions | undefined;
}

/** The partitions of other threads. */
export interface AwayPartitions {
  offer(to: number, input: PeerInput): void;
  /** As nothingOlder, of those. False also while nobody knows. */
  nothingOlder(egress: string, first: number): boolean;
}

/** @param indexes of the partitions that sit here */
export function openHosts(indexes: readonly number[], options: HostsOptions): PartitionHost[] {
  const { away, ...rest } = options;
  const hosts = new Map<number, PartitionHost>();
  const toPeer = (from: number, release: PeerRelease): void => {
    const input = peerInput(from, release);
    const here = hosts.get(release.to);
    if (here === undefined) away?.offer(release.to, input);
    else here.offer(input);
  };
  const mayPublish = (egress: string, first: number): boolean => {
    const here = [...hosts.values()].map(({ partition }) => partition);
    return nothingOlder(here, egress, first) && away?.nothingOlder(egress, first) !== false;
  };
  for (const index of indexes) {
    const logger = options.logger.child({ partition: index });
    hosts.set(index, new PartitionHost({ ...rest, index, logger, toPeer, mayPublish }));
  }
  return [...hosts.values()];
}
