/** All partitions of a node, and the ways between them. */

import { assert } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import type { SourceSink } from "../ingress/contract.ts";
import type { Address } from "../model/address.ts";
import { ownerOf } from "../model/owner.ts";
import type { SourceBatch } from "../model/source.ts";
import { peerInput } from "../partition/peers.ts";
import { nothingOlder } from "./older-records.ts";
import { PartitionHost, type PartitionHostOptions } from "./partition-host.ts";

export class Partitions implements SourceSink {
  readonly hosts: readonly PartitionHost[];

  constructor(
    count: number,
    options: Omit<PartitionHostOptions, "index" | "toPeer" | "mayPublish">,
  ) {
    this.hosts = Array.from(
      { length: count },
      (_, index) =>
        new PartitionHost({
          ...options,
          index,
          logger: options.logger.child({ partition: index }),
          toPeer: (from, release) => this.host(release.to).offer(peerInput(from, release)),
          mayPublish: (egress, first) =>
            nothingOlder(
              this.hosts.map(({ partition }) => partition),
              egress,
              first,
            ),
        }),
    );
  }

  get partitionCount(): number {
    return this.hosts.length;
  }

  async open(): Promise<void> {
    // One after the other: opening reads what is pending, and memory is shared.
    for (const host of this.hosts) await host.open();
  }

  host(index: number): PartitionHost {
    const host = this.hosts[index];
    assert(host !== undefined, `there is no partition ${index}`);
    return host;
  }

  /** The partition of an address. */
  ownerOf(address: Address): PartitionHost {
    const owner = ownerOf(address, this.hosts.length);
    if (owner === undefined)
      throw new StatefoldError("NOT_FOUND", `there is no call ${address.id}`);
    return this.host(owner);
  }

  async position(source: string, partition: number): Promise<number | undefined> {
    return this.host(partition).position(source);
  }

  durable(source: string, partition: number): number | undefined {
    return this.host(partition).partition?.positions.durable(source);
  }

  async take(partition: number, batch: SourceBatch): Promise<void> {
    await this.host(partition).take(batch);
  }

  /** There is room again that no partition knows of. */
  offerSources(): void {
    for (const host of this.hosts) host.offerSources();
  }

  /**
   * The greatest number that any partition has cut at: the next snapshot's must be greater. Partitions that
   * are down are left out.
   */
  get barrier(): number {
    return Math.max(0, ...this.hosts.map((host) => host.partition?.barrier.number ?? 0));
  }

  /** Every partition is to take its cut for this snapshot. One that is down never hears of it from here. */
  announce(barrier: number): void {
    for (const host of this.hosts) host.offer({ kind: "barrier", barrier });
  }

  /** A snapshot holds the cuts of all partitions: the next one may come on top of it. */
  snapshotComplete(barrier: number): void {
    for (const host of this.hosts) host.offer({ kind: "snapshotComplete", barrier });
  }

  async stop(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.stop()));
  }
}
