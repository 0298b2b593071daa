/** A new data directory that is filled from a snapshot before it is believed. */
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import { logHolds } from "../egress/log-holds.ts";
import { checkApplication, enrol } from "../snapshot/claim.ts";
import { loadHead } from "../snapshot/head-file.ts";
import { attemptOfSnapshot } from "../snapshot/layout.ts";
import { threadedPacking } from "../snapshot/packing.ts";
import { incarnationOf, type RestoreReport, restoreSnapshot } from "../snapshot/restore.ts";
import { restoreTopics } from "../snapshot/restore-topics.ts";
import { loadManifest } from "../snapshot/stored-snapshots.ts";
import { isDamage, withAdvice } from "../snapshot/verify.ts";
import type { Store } from "../store/contract.ts";
import type { DataDirectory } from "../store/directory.ts";

export interface Restoration {
  /** As many as the snapshot has: another number may be asked for. */
  readonly partitions: number;
  readonly barrier: number;
  readonly takenAtMs: number;
  /** @param data names the directory that is being made */
  fill(directory: DataDirectory, data: string): Promise<void>;
}

export interface RestorationOptions {
  readonly blob: BlobStore;
  /** Whose snapshots they are. */
  readonly application: string;
  /** Another name for what is restored: a fork. */
  readonly as?: string | undefined;
  /** The barrier of the snapshot; undefined: the latest. */
  readonly at?: number | undefined;
  readonly onRestored: (report: RestoreReport, restoration: Restoration) => void;
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
  const { blob, application, as, onRestored } = options;
  const reading = { blob, packing: threadedPacking };
  const advised = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw isDamage(error) ? await withAdvice(reading, snapshots, name, error) : error;
    }
  };
  const manifest = await advised(() => loadManifest(blob, name));
  const restoration: Restoration = {
    partitions: manifest.partitions.length,
    barrier: manifest.barrier,
    takenAtMs: manifest.takenAtMs,
    async fill(directory, data) {
      const least = incarnationOf(manifest);
      const incarnation =
        as === undefined ? await enrol(blob, application, data, least) : least + 1;
      const stores: Store[] = [];
      // First of all: what it holds need not be published to it again.
      const log = await advised(() => restoreTopics({ blob, manifest, directory: directory.path }));
      try {
        for (let i = 0; i < directory.description.partitions; i++) {
          stores.push(await directory.openPartition(i));
        }
        const taken = await logHolds(log);
        const whole = {
          blob,
          manifest,
          stores,
          application: as ?? application,
          incarnation,
          taken,
        };
        const report = await advised(() => restoreSnapshot(whole));
        onRestored(report, restoration);
      } finally {
        for (const store of stores) await store.close();
        await log.close();
      }
    },
  };
  return restoration;
}
