/**
 * Writes a snapshot: the shares of all partitions and of the topic log, the manifest that names them, and last the head that
 * names the manifest. Until that is stored nothing of it exists for anybody, and when it is, all of it
 * does. What an attempt leaves behind that failed is removed later (retention.ts).
 */
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import type { LogCut } from "../log/cut.ts";
import { FORMAT_VERSION } from "../store/format.ts";
import { atOnce } from "./at-once.ts";
import type { PartitionCut } from "./cut.ts";
import type { Head } from "./head.ts";
import { manifestKey, snapshotName } from "./layout.ts";
import { type Manifest, writeManifest } from "./manifest.ts";
import type { Ownership } from "./ownership.ts";
import type { Packing } from "./packing.ts";
import { type WrittenShare, writeShare } from "./share.ts";
import { type TopicsBase, type WrittenTopics, writeTopics } from "./topics-share.ts";

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
  /** Of the topic log; undefined: there is none. Not closed here. */
  readonly topics: LogCut | undefined;
  /** Complete snapshots that are still kept, by barrier. */
  readonly bases: ReadonlyMap<number, Manifest>;
  /** The latest of those that are kept: what it holds of the topic log is shared. */
  readonly latest: TopicsBase | undefined;
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
  const log = await writeLog(options);
  const { application } = owner.head;
  const manifest: Manifest = {
    ...{ application, numbers, barrier, term, takenAtMs, storeFormat: FORMAT_VERSION },
    partitions: shares.map(({ writtenBytes: _, ...share }) => share),
    topics: log.topics,
  };
  const body = writeManifest(manifest);
  const put = await blob.put(manifestKey(name), body, { ifAbsent: true, signal });
  if (!put.stored) {
    const text = `${manifestKey(name)} is there already: another process writes below the same prefix`;
    throw new StatefoldError("SNAPSHOT_ABANDONED", text);
  }
  await owner.update((head) => withSnapshot(head, name, barrier, keep), signal);
  const ofShares = shares.reduce((sum, share) => sum + share.writtenBytes, 0);
  const writtenBytes = ofShares + log.writtenBytes + body.byteLength;
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

async function writeLog(options: AttemptOptions): Promise<WrittenTopics> {
  const { blob, owner, barrier, topics, latest: base, signal } = options;
  if (topics === undefined) return { topics: [], writtenBytes: 0 };
  return await writeTopics({ blob, attempt: { barrier, term: owner.term }, signal, base }, topics);
}

async function writeShares(options: AttemptOptions): Promise<WrittenShare[]> {
  const { blob, packing, owner, barrier, cuts, bases, segmentBytes } = options;
  const attempt = { barrier, term: owner.term };
  const shares: WrittenShare[] = [];
  // Nobody may read from a cut any more when this ends: it is closed then.
  await atOnce(cuts.entries(), SHARES_AT_ONCE, options.signal, async ([i, cut], signal) => {
    const base = bases.get(cut.changes?.since ?? 0)?.partitions[cut.partition];
    shares[i] = await writeShare({ blob, packing, attempt, signal, segmentBytes }, cut, base);
  });
  return shares;
}
