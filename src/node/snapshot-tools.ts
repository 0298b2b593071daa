/** What is done with snapshots while no node need run: they are listed, verified, restored. */

import { join } from "node:path";
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "../blob/contract.ts";
import { openBlobStore } from "../blob/open.ts";
import { loadHead } from "../snapshot/head-file.ts";
import { attemptOfSnapshot } from "../snapshot/layout.ts";
import { objectsOf, sourcesOf, topicPartsOf } from "../snapshot/manifest.ts";
import { threadedPacking } from "../snapshot/packing.ts";
import type { RestoreReport } from "../snapshot/restore.ts";
import { loadManifest } from "../snapshot/stored-snapshots.ts";
import { isDamage, type Verified, verifySnapshot } from "../snapshot/verify.ts";
import { readDescription } from "../store/description.ts";
import { findRestoration, type RestoredFrom } from "./restoration.ts";
import { openStorage } from "./storage.ts";

export interface ListedSnapshot {
  readonly barrier: number;
  /** As the head names it. */
  readonly name: string;
  readonly application: string;
  /** Undefined, like what follows: its manifest cannot be read. */
  readonly takenAtMs: number | undefined;
  readonly partitions: number | undefined;
  /** Of all its segments, which it shares with others. */
  readonly bytes: number | undefined;
  readonly segments: number | undefined;
  /** The next offset of each source. */
  readonly sources: Readonly<Record<string, number>>;
  /** Why it cannot be restored, as far as its manifest says. */
  readonly damage: string | undefined;
}

/** Oldest first. @throws StatefoldError CONFIG_INVALID, BLOB_UNAVAILABLE, SNAPSHOT_CORRUPT of the head */
export async function listSnapshots(url: string): Promise<ListedSnapshot[]> {
  return await using(url, async (blob) => {
    const { head } = (await loadHead(blob)) ?? {};
    const listed: ListedSnapshot[] = [];
    for (const name of head?.snapshots ?? []) {
      listed.push(await listedAs(blob, name, head?.application ?? ""));
    }
    return listed;
  });
}

async function listedAs(
  blob: BlobStore,
  name: string,
  application: string,
): Promise<ListedSnapshot> {
  const { barrier } = attemptOfSnapshot(name);
  try {
    const manifest = await loadManifest(blob, name);
    const { takenAtMs, partitions } = manifest;
    const segments = partitions.flatMap((share) => share.segments);
    const all = [...segments, ...topicPartsOf(manifest)];
    return {
      ...{ barrier, name, application, takenAtMs, partitions: partitions.length },
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
      segments: objectsOf(manifest).length,
      sources: Object.fromEntries(sourcesOf(manifest)),
      damage: undefined,
    };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const unknown = { takenAtMs: undefined, partitions: undefined, bytes: undefined };
    const damage = error.message;
    return { barrier, name, application, ...unknown, segments: undefined, sources: {}, damage };
  }
}

export interface VerifiedSnapshot {
  readonly barrier: number;
  readonly found: Verified | undefined;
  readonly damage: string | undefined;
}

/**
 * Reads everything back, of one snapshot or of all.
 *
 * @throws StatefoldError NOT_FOUND when there is none at that barrier
 */
export async function verifySnapshots(
  url: string,
  at: number | undefined,
): Promise<VerifiedSnapshot[]> {
  return await using(url, async (blob) => {
    const { snapshots = [] } = (await loadHead(blob))?.head ?? {};
    const wanted = snapshots.filter((name) => {
      return at === undefined || attemptOfSnapshot(name).barrier === at;
    });
    if (at !== undefined && wanted.length === 0) throw noSnapshot(`no snapshot ${at}`);
    const seen = new Set<string>();
    const verified: VerifiedSnapshot[] = [];
    for (const name of wanted) {
      const { barrier } = attemptOfSnapshot(name);
      try {
        const found = await verifySnapshot({ blob, packing: threadedPacking }, name, seen);
        verified.push({ barrier, found, damage: undefined });
      } catch (error) {
        if (!isDamage(error)) throw error;
        verified.push({ barrier, found: undefined, damage: error.message });
      }
    }
    return verified;
  });
}

export interface RestoreRequest {
  readonly url: string;
  /** Must not be there, or be empty. */
  readonly dataDir: string;
  /** The barrier; undefined: the latest. */
  readonly at: number | undefined;
  /** Undefined: as many as the snapshot has. */
  readonly partitions: number | undefined;
  /** Whose snapshots they are: any. For a fork another name. */
  readonly as: string | undefined;
}

export interface Restored {
  readonly barrier: number;
  readonly takenAtMs: number;
  /** Whose snapshot it was, and whose the data is. */
  readonly of: string;
  readonly application: string;
  readonly report: RestoreReport;
}

/** @throws StatefoldError NOT_FOUND, CONFIG_INVALID when there is data already, SNAPSHOT_CORRUPT, SNAPSHOT_FORMAT */
export async function restoreInto(request: RestoreRequest): Promise<Restored> {
  const { url, dataDir, at, partitions, as } = request;
  if ((await readDescription(join(dataDir, "statefold.json"))) !== undefined) {
    const text = `${dataDir} holds data: a snapshot is restored into a new or an empty directory`;
    throw new StatefoldError("CONFIG_INVALID", text);
  }
  return await using(url, async (blob) => {
    const { head } = (await loadHead(blob)) ?? {};
    if (head === undefined) throw noSnapshot("no snapshots");
    const application = as ?? head.application;
    const fork = as === head.application ? undefined : as;
    let restored: Restored | undefined;
    const onRestored = (report: RestoreReport, { barrier, takenAtMs }: RestoredFrom): void => {
      restored = { barrier, takenAtMs, of: head.application, application, report };
    };
    const options = { blob, application: head.application, as: fork, at, onRestored };
    const storage = await openStorage({
      ...{ dataDir, application, partitions, acceptLoss: false },
      restoration: async () => {
        const found = await findRestoration(options);
        if (found === undefined) throw noSnapshot("no snapshot that is complete");
        return found;
      },
    });
    await storage.close();
    if (restored === undefined) throw noSnapshot("nothing to restore");
    return restored;
  });
}

function noSnapshot(what: string): StatefoldError {
  return new StatefoldError("NOT_FOUND", `there is ${what} below this prefix`);
}

async function using<T>(url: string, work: (blob: BlobStore) => Promise<T>): Promise<T> {
  const blob = await openBlobStore(url);
  try {
    return await work(blob);
  } finally {
    await blob.close();
  }
}
