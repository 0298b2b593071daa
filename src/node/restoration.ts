/** A new data directory that is filled from a snapshot before it is believed. */
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import { logHolds } from "../egress/log-holds.ts";
import { checkApplication, enrol } from "../snapshot/claim.ts";
import { withHeir } from "../snapshot/head.ts";
import { loadHead } from "../snapshot/head-file.ts";
import { attemptOfSnapshot } from "../snapshot/layout.ts";
import type { Manifest } from "../snapshot/manifest.ts";
import type { Ownership } from "../snapshot/ownership.ts";
import { threadedPacking } from "../snapshot/packing.ts";
import { incarnationOf, type RestoreReport, restoreSnapshot } from "../snapshot/restore.ts";
import { restoreTopics } from "../snapshot/restore-topics.ts";
import { loadManifest } from "../snapshot/stored-snapshots.ts";
import { isDamage, withAdvice } from "../snapshot/verify.ts";
import type { Origin } from "../store/description.ts";
import type { DataDirectory } from "../store/directory.ts";
import type { PartitionStore } from "../store/witnessed-store.ts";

/**
 * What LevelDB gathers before it writes a table, of all partitions together; it may have two such buffers at once. Filled
 * in order tables have nothing to be merged with, so larger ones would save nothing; and a start reads each table whole.
 */
const BUFFERS_BYTES = 8 * 1024 * 1024;
const LEAST_BUFFER_BYTES = 4 * 1024 * 1024;

export interface Restoration {
  /** As many as the snapshot has: another number may be asked for. */
  readonly partitions: number;
  /** @param data names the directory that is being made */
  fill(directory: DataDirectory, data: string): Promise<Origin>;
}

export interface RestorationOptions {
  readonly blob: BlobStore;
  /** Whose snapshots they are. */
  readonly application: string;
  /** Another name for what is restored: a fork. */
  readonly as?: string | undefined;
  /** The barrier of the snapshot; undefined: the latest. */
  readonly at?: number | undefined;
  /** Becomes the owner of the snapshots, so that the latest of them stays it. Default: they stay whose they are. */
  readonly takeOver?: (data: string) => Promise<Ownership>;
  readonly onRestored: (report: RestoreReport, restored: RestoredFrom) => void;
}

export interface RestoredFrom {
  readonly barrier: number;
  readonly takenAtMs: number;
}

/**
 * Undefined: there are no snapshots.
 *
 * @throws StatefoldError SNAPSHOT_FOREIGN; NOT_FOUND when there is none at that barrier
 */
export async function findRestoration(
  options: RestorationOptions,
): Promise<Restoration | undefined> {
  const { blob, application, at } = options;
  const { head } = (await loadHead(blob)) ?? {};
  if (head === undefined) return undefined;
  checkApplication(head, application);
  const { snapshots } = head;
  const name =
    at === undefined
      ? snapshots.at(-1)
      : snapshots.find((each) => attemptOfSnapshot(each).barrier === at);
  if (name !== undefined) return await restorationOf(options, snapshots, name);
  if (at === undefined) return undefined;
  const others = snapshots.map((each) => attemptOfSnapshot(each).barrier).join(", ") || "none";
  throw new StatefoldError("NOT_FOUND", `there is no snapshot ${at}; there are ${others}`);
}

async function restorationOf(
  options: RestorationOptions,
  snapshots: readonly string[],
  name: string,
): Promise<Restoration> {
  const manifest = await manifestOf(options, snapshots, name);
  return {
    partitions: manifest.partitions.length,
    async fill(directory, data) {
      const owner = await options.takeOver?.(data);
      // It was still taken by somebody until now: there may be a later one.
      const now = owner?.head.snapshots ?? snapshots;
      const latest = options.at === undefined ? (now.at(-1) ?? name) : name;
      const wanted = latest === name ? manifest : await manifestOf(options, now, latest);
      const incarnation = await incarnationFor(options, owner, wanted, data);
      await fillFrom(options, now, { name: latest, manifest: wanted, incarnation }, directory);
      return { snapshot: latest, application: wanted.application, numbers: wanted.numbers };
    },
  };
}

/** One that no other restore has; where the snapshots have an owner, only it may note so. */
async function incarnationFor(
  { blob, application, as }: RestorationOptions,
  owner: Ownership | undefined,
  manifest: Manifest,
  data: string,
): Promise<number> {
  const least = incarnationOf(manifest);
  // One between is for the numbers of what the original had left: placement.ts.
  if (as !== undefined) return least + 2;
  if (owner === undefined) return await enrol(blob, application, data, least);
  await owner.update((head) => withHeir(head, data, Math.max(head.incarnation, least) + 1));
  return owner.head.incarnation;
}

interface Chosen {
  readonly name: string;
  readonly manifest: Manifest;
  readonly incarnation: number;
}

async function fillFrom(
  options: RestorationOptions,
  snapshots: readonly string[],
  { name, manifest, incarnation }: Chosen,
  directory: DataDirectory,
): Promise<void> {
  const { blob, application, as, onRestored } = options;
  const stores: PartitionStore[] = [];
  // First of all: what it holds need not be published to it again.
  const log = await advised(blob, snapshots, name, () => {
    return restoreTopics({ blob, manifest, directory: directory.path });
  });
  try {
    const { partitions } = directory.description;
    const writeBufferBytes = Math.max(LEAST_BUFFER_BYTES, BUFFERS_BYTES / partitions);
    for (let i = 0; i < partitions; i++) {
      stores.push(await directory.openPartition(i, { writeBufferBytes }));
    }
    const taken = await logHolds(log);
    const whole = { blob, manifest, stores, application: as ?? application, incarnation, taken };
    const report = await advised(blob, snapshots, name, () => restoreSnapshot(whole));
    const { barrier, takenAtMs } = manifest;
    onRestored(report, { barrier, takenAtMs });
  } finally {
    for (const store of stores) await store.close();
    await log.close();
  }
}

function manifestOf({ blob }: RestorationOptions, snapshots: readonly string[], name: string) {
  return advised(blob, snapshots, name, () => loadManifest(blob, name));
}

/** Damage is told with the newest of the others that is whole. */
async function advised<T>(
  blob: BlobStore,
  snapshots: readonly string[],
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw await withAdvice({ blob, packing: threadedPacking }, snapshots, name, error);
  }
}
