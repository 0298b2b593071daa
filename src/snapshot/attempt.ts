/**
 * Writes a snapshot: the shares of all partitions, the manifest that names them, and last the head that
 * names the manifest. Until that is stored nothing of it exists for anybody, and when it is, all of it
 * does. What an attempt leaves behind that failed is removed later (retention.ts).
 */
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import { FORMAT_VERSION } from "../store/format.ts";
import type { PartitionCut } from "./cut.ts";
import type { Head } from "./head.ts";
import { manifestKey, snapshotName } from "./layout.ts";
import { type Manifest, writeManifest } from "./manifest.ts";
import type { Ownership } from "./ownership.ts";
import type { Packing } from "./packing.ts";
import { type WrittenShare, writeShare } from "./share.ts";

/** Partitions whose shares are written at once: each takes some blocks of memory, and a thread or two. */
const SHARES_AT_ONCE = 2;

export interface AttemptOptions {
  readonly blob: BlobStore;
  readonly packing: Packing;
  readonly owner: Ownership;
  /** As in Manifest. */
  readonly numbers: string;
  readonly barrier: number;
  /** Of all partitions, in order. Not closed here. */
  readonly cuts: readonly PartitionCut[];
  /** Complete snapshots that are still kept, by barrier. */
  readonly bases: ReadonlyMap<number, Manifest>;
  readonly takenAtMs: number;
  /** How many snapshots are kept with this one. */
  readonly keep: number;
  readonly signal: AbortSignal;
  readonly segmentBytes?: number | undefined;
}

export interface WrittenSnapshot {
  readonly name: string;
  readonly manifest: Manifest;
  readonly writtenBytes: number;
}

/** @throws what keeps it from being complete; SNAPSHOT_FENCED */
export async function writeSnapshot(options: AttemptOptions): Promise<WrittenSnapshot> {
  const { blob, owner, numbers, barrier, takenAtMs, keep, signal } = options;
  const { term } = owner;
  const name = snapshotName({ barrier, term });
  const shares = await writeShares(options);
  const { application } = owner.head;
  const manifest: Manifest = {
    ...{ application, numbers, barrier, term, takenAtMs, storeFormat: FORMAT_VERSION },
    partitions: shares.map(({ writtenBytes: _, ...share }) => share),
  };
  const body = writeManifest(manifest);
  const put = await blob.put(manifestKey(name), body, { ifAbsent: true, signal });
  if (!put.stored) {
    const text = `${manifestKey(name)} is there already: another process writes below the same prefix`;
    throw new StatefoldError("SNAPSHOT_ABANDONED", text);
  }
  await owner.update((head) => withSnapshot(head, name, barrier, keep), signal);
  const writtenBytes = shares.reduce((sum, share) => sum + share.writtenBytes, body.byteLength);
  return { name, manifest, writtenBytes };
}

function withSnapshot(head: Head, name: string, barrier: number, keep: number): Head {
  // It may be there: an update whose answer was lost, and which is made again.
  const all = [...head.snapshots.filter((each) => each !== name), name];
  const gone = all.slice(0, Math.max(0, all.length - keep));
  const nextBarrier = Math.max(head.nextBarrier, barrier + 1);
  const dropped = [...head.dropped, ...gone];
  return { ...head, snapshots: all.slice(-keep), dropped, nextBarrier };
}

async function writeShares(options: AttemptOptions): Promise<WrittenShare[]> {
  const { blob, packing, owner, barrier, cuts, bases, segmentBytes } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const attempt = { barrier, term: owner.term };
  const shares: WrittenShare[] = [];
  const left = [...cuts.entries()];
  const write = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [i, cut] = next;
      signal.throwIfAborted();
      const base = bases.get(cut.changes?.since ?? 0)?.partitions[cut.partition];
      shares[i] = await writeShare({ blob, packing, attempt, signal, segmentBytes }, cut, base);
    }
  };
  const workers = Array.from({ length: SHARES_AT_ONCE }, async () => {
    try {
      await write();
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  // Nobody may read from a cut any more when this ends: it is closed then.
  const ends = await Promise.allSettled(workers);
  options.signal.throwIfAborted();
  failed.signal.throwIfAborted();
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return shares;
}
