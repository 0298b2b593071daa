/** All partitions of a node, and the ways between them. */

import { assert, unreachable } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import type { SourceSink } from "../ingress/contract.ts";
import type { Address } from "../model/address.ts";
import { incarnationOf } from "../model/outbox-number.ts";
import { ownerOf } from "../model/owner.ts";
import type { SourceBatch } from "../model/source.ts";
import { partitionDestination } from "../store/keys.ts";
import { PartitionHost, type PartitionHostOptions, type PeerRelease } from "./partition-host.ts";

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
          toPeer: (from, release) => this.#toPeer(from, release),
          mayPublish: (egress, first) => this.#mayPublish(egress, first),
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

  /**
   * What an incarnation has for an egress leaves behind all that those before it left there, in whatever partition:
   * since a restore on another number of partitions an address may have records in two, and they keep their order.
   */
  #mayPublish(egress: string, first: number): boolean {
    const incarnation = incarnationOf(first);
    if (incarnation === 0) return true;
    return this.hosts.every(({ partition }) => {
      if (partition === undefined) return false; // nobody knows what it holds
      // One that a loss has not touched goes on with its numbers, which nobody has to wait for.
      const least = Math.min(incarnation, partition.incarnation);
      return partition.outboxes
        .ofEgress(egress)
        .every(({ lowest }) => incarnationOf(lowest) >= least);
    });
  }

  #toPeer(from: number, release: PeerRelease): void {
    const peer = this.host(release.to);
    const destination = partitionDestination(from);
    switch (release.kind) {
      case "channel": {
        const { first, since, messages, barrier } = release;
        return peer.offer({ kind: "channel", from, first, since, messages, barrier });
      }
      case "acknowledge": {
        const { upTo, barrier } = release;
        return peer.offer({ kind: "acknowledged", destination, upTo, barrier });
      }
      case "resume": {
        const { next, barrier } = release;
        return peer.offer({ kind: "resume", destination, next, barrier });
      }
      default:
        return unreachable(release);
    }
  }
}
