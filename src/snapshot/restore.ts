/**
 * Makes the stores of an application anew from a snapshot: as many as there were or another number, under the
 * application's name or another's.
 *
 * Every segment is read to its end, with all checksums, before the last commit of any store; whoever makes
 * the data directory believes in it only when this has returned. Memory: some blocks of each segment of one
 * partition, and a commit for each new one.
 *
 * What is restored is a new incarnation: numbers of outboxes and sessions begin above all that can have been
 * given since the cut, so nothing new is taken for something known.
 */
import { assert } from "../base/assert.ts";
import type { BlobStore } from "../blob/contract.ts";
import type { StoreInTheMaking } from "../store/contract.ts";
import { FORMAT_VERSION } from "../store/format.ts";
import type { MetaRecord } from "../store/records/meta.ts";
import type { Manifest } from "./manifest.ts";
import { type Packing, threadedPacking } from "./packing.ts";
import { Placement, type PlacementCounts, type TakenRecord } from "./placement.ts";
import { RestoredStore } from "./restored-store.ts";
import { entriesOfShare } from "./stored-snapshots.ts";

/** Epochs and sessions of one incarnation: those of the next begin above. */
const EPOCHS_OF_AN_INCARNATION = 2 ** 32;

export interface RestoreOptions {
  readonly blob: BlobStore;
  readonly manifest: Manifest;
  /** New and empty, one for each partition that is to be. */
  readonly stores: readonly StoreInTheMaking[];
  /** Whose they are: the snapshot's application, or another name for a fork. */
  readonly application: string;
  /** Greater than any in the snapshot, and than any that was restored from it: enrol. Of a fork, by two. */
  readonly incarnation: number;
  /**
   * Whether an egress that is part of the snapshot (the topic log) holds this record of a partition's outbox: it need
   * not leave again then. Asked for a fork, whose records get new numbers. Default: nothing is held.
   */
  readonly taken?: TakenRecord | undefined;
  readonly packing?: Packing;
  readonly signal?: AbortSignal | undefined;
}

export interface RestoreReport extends PlacementCounts {
  readonly entries: number;
  readonly rawBytes: number;
  /** Of the new partitions, in order. */
  readonly metas: readonly MetaRecord[];
}

/** The greatest incarnation in it. */
export function incarnationOf({ partitions }: Manifest): number {
  return Math.max(...partitions.map(({ meta }) => meta.incarnation));
}

/** @throws StatefoldError SNAPSHOT_CORRUPT, which names the segment; what blob store and stores throw */
export async function restoreSnapshot(options: RestoreOptions): Promise<RestoreReport> {
  const { blob, manifest, packing = threadedPacking, signal, incarnation } = options;
  const { partitions: shares } = manifest;
  const isFork = options.application !== manifest.application;
  const least = incarnationOf(manifest) + (isFork ? 2 : 1);
  assert(incarnation >= least, `incarnation ${incarnation} is a new one`);
  const stores = options.stores.map((store, i) => restoredStore(options, store, i));
  const { taken } = options;
  const placement = new Placement({ shares, stores, incarnation, isFork, taken });
  let [entries, rawBytes] = [0, 0];
  for (const [partition, { segments }] of shares.entries()) {
    const share = placement.share(partition);
    for await (const page of entriesOfShare({ blob, packing, signal }, segments)) {
      signal?.throwIfAborted();
      for (const { key, value } of page) {
        if (value === undefined) continue;
        share.take(key, value);
        rawBytes += key.byteLength + value.byteLength;
        entries++;
      }
      for (const store of stores) if (store.isFull) await store.flush();
    }
    share.end();
  }
  placement.end();
  const accepted = (metas: readonly { readonly accepted: number }[]): number =>
    metas.reduce((sum, meta) => sum + meta.accepted, 0);
  const [before, after] = [shares.map(({ meta }) => meta), stores.map(({ meta }) => meta)];
  assert(accepted(after) === accepted(before), "I4: what was accepted is there, or done");
  for (const store of stores) await store.complete();
  return { ...placement.counts, entries, rawBytes, metas: stores.map(({ meta }) => meta) };
}

function restoredStore(
  { manifest, stores, application, incarnation }: RestoreOptions,
  store: StoreInTheMaking,
  partition: number,
): RestoredStore {
  const metas = manifest.partitions.map(({ meta }) => meta);
  const keepsSequences = metas.length === stores.length;
  const sequences = keepsSequences ? metas.slice(partition, partition + 1) : metas;
  const firstLate = sequences.reduce((sum, { nextSequence }) => sum + nextSequence, 0);
  const base = incarnation * EPOCHS_OF_AN_INCARNATION;
  const none = { accepted: 0, finished: 0, mail: 0, timers: 0, outbox: 0, dead: 0, outboxBytes: 0 };
  const meta: MetaRecord = {
    ...none,
    ...{ formatVersion: FORMAT_VERSION, application, partition, partitionCount: stores.length },
    incarnation,
    session: Math.max(base, ...metas.map(({ session }) => session)),
    epoch: Math.max(base, ...metas.map(({ epoch }) => epoch)),
    nextSequence: firstLate,
    barrier: manifest.barrier,
  };
  return new RestoredStore({ store, meta, keepsSequences, firstLate });
}
