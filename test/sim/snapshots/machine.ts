/** What a process has under it: disks, and a way to the bucket. They outlive it, unless they are lost. */

import type { BlobStore } from "../../../src/blob/contract.ts";
import { withRetries } from "../../../src/blob/retry.ts";
import { SimulatedDisk } from "../../log/simulated-disk.ts";
import {
  type BlobFaults,
  FakeBlobStore,
  type FakeBucket,
  NO_FAULTS,
} from "../../support/blob/fake.ts";
import type { Rng } from "../../support/rng.ts";
import { SimDisk } from "../disk.ts";
import type { ProcessTime } from "./time.ts";

export class Machine {
  /** Of its data directory. */
  readonly data: string;
  readonly disks: readonly SimDisk[];
  readonly logDisk: SimulatedDisk;

  constructor(data: string, partitions: number, rng: Rng) {
    this.data = data;
    this.disks = Array.from({ length: partitions }, () => new SimDisk());
    this.logDisk = new SimulatedDisk(rng.fork().random);
  }
}

export function drawFaults(rng: Rng): BlobFaults {
  return {
    unavailable: rng.pick([0, 0, 0.1, 0.4]),
    lost: rng.pick([0, 0, 0.1, 0.3]),
    broken: rng.pick([0, 0, 0.1]),
    damaged: 0,
    late: rng.pick([0, 0.3]),
    maxDelayMs: rng.pick([0, 20, 200]),
  };
}

/** The way of one process to the bucket: nothing is asked by one that is dead, or while it is held still. */
export function blobFor(
  bucket: FakeBucket,
  time: ProcessTime,
  rng: Rng,
  faults: BlobFaults = NO_FAULTS,
): { readonly blob: BlobStore; readonly store: FakeBlobStore } {
  const wait = (delayMs: number): Promise<void> => time.wait(delayMs);
  const store = new FakeBlobStore(bucket, { rng, faults, now: () => time.now(), wait });
  store.onCall = async () => {
    // Never answered, or when it goes on.
    if (time.isDead || time.isFrozen) await time.wait(0);
  };
  const blob = withRetries(store, {
    ...{ attempts: 4, initialMs: 20, maxMs: 500, giveUpMs: 3_000 },
    ...{ random: rng.random, now: () => time.now() },
    wait: (delayMs, signal) => time.wait(delayMs, signal),
  });
  return { blob, store };
}
