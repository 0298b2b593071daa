/** All partitions of a node, wherever they sit. */

import { assert } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import type { SourceSink } from "../ingress/contract.ts";
import type { Address } from "../model/address.ts";
import { ownerOf } from "../model/owner.ts";
import type { SourceBatch } from "../model/source.ts";
import type { Seat } from "./seat.ts";
import type { Work } from "./views.ts";

export class Partitions<S extends Seat = Seat> implements SourceSink {
  /** By their numbers. */
  readonly seats: readonly S[];

  constructor(seats: readonly S[]) {
    assert(
      seats.every(({ index }, i) => index === i),
      "seats are in the order of their numbers",
    );
    this.seats = seats;
  }

  get partitionCount(): number {
    return this.seats.length;
  }

  async open(): Promise<void> {
    // One after the other: opening reads what is pending, and memory is shared.
    for (const seat of this.seats) await seat.open();
  }

  seat(index: number): S {
    const seat = this.seats[index];
    assert(seat !== undefined, `there is no partition ${index}`);
    return seat;
  }

  /** The partition of an address. */
  ownerOf(address: Address): S {
    const owner = ownerOf(address, this.seats.length);
    if (owner === undefined)
      throw new StatefoldError("NOT_FOUND", `there is no call ${address.id}`);
    return this.seat(owner);
  }

  async position(source: string, partition: number): Promise<number | undefined> {
    return await this.seat(partition).look("position", { source });
  }

  async durable(source: string, partition: number): Promise<number | undefined> {
    const seat = this.seat(partition);
    return seat.phase === "running" ? await seat.look("durable", { source }) : undefined;
  }

  async take(partition: number, batch: SourceBatch): Promise<void> {
    await this.seat(partition).take(batch);
  }

  /** There is room again that no partition knows of. */
  offerSources(): void {
    for (const seat of this.seats) seat.offerSources();
  }

  /** Of each partition, at its own moment; undefined: it is down. */
  async work(): Promise<readonly (Work | undefined)[]> {
    return await Promise.all(
      this.seats.map((seat) => seat.look("work", {}).catch(() => undefined)),
    );
  }

  /**
   * The greatest number that any partition has cut at: the next snapshot's must be greater. Partitions that
   * are down are left out.
   */
  get barrier(): number {
    return Math.max(0, ...this.seats.map((seat) => seat.figure("barrier")));
  }

  /** Every partition is to take its cut for this snapshot. One that is down never hears of it from here. */
  announce(barrier: number): void {
    for (const seat of this.seats) seat.notify({ kind: "barrier", barrier });
  }

  /** A snapshot holds the cuts of all partitions: the next one may come on top of it. */
  snapshotComplete(barrier: number): void {
    for (const seat of this.seats) seat.notify({ kind: "snapshotComplete", barrier });
  }

  async stop(): Promise<void> {
    await Promise.all(this.seats.map((seat) => seat.stop()));
  }
}
