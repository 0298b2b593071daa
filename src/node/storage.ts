/** Where a node keeps its data: a directory, or memory and a temporary folder for the topics. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DiskSpace, spaceOf } from "../base/disk-space.ts";
import { type Description, type Origin, readDescription } from "../store/description.ts";
import { DataDirectory } from "../store/directory.ts";
import { FORMAT_VERSION } from "../store/format.ts";
import { MemoryContents, MemoryStore } from "../store/memory.ts";
import type { TablesAhead } from "../store/tables-ahead.ts";
import type { PartitionStore } from "../store/witnessed-store.ts";
import type { Restoration } from "./restoration.ts";

export interface Storage {
  readonly partitionCount: number;
  readonly formatVersion: number;
  /** Holds `topics/` and `egresses/`. */
  readonly path: string;
  /** Undefined: in memory. */
  readonly dataDir: string | undefined;
  /** How much room there is for more. */
  space(): Promise<DiskSpace>;
  /** Goes with the data when it is copied; another data directory has another. */
  readonly identity: string;
  /** Whose numbers its outboxes give, as egresses know it: survives a restore, and no fork. */
  readonly numbers: string;
  /** The snapshot it was made from; undefined: it began empty. */
  readonly origin: Origin | undefined;
  /** Nothing was there before. */
  readonly isNew: boolean;
  /** For the partitions of another thread: {@link openShare}. */
  readonly share: StorageShare;
  /** A partition is closed before it is opened again. */
  openPartition(partition: number): Promise<PartitionStore>;
  close(): Promise<void>;
}

/** Plain data: where the partitions of a storage are. */
export interface StorageShare {
  readonly partitionCount: number;
  readonly formatVersion: number;
  /** Undefined: in memory. */
  readonly directory: { readonly path: string; readonly description: Description } | undefined;
  readonly acceptLoss: boolean;
}

/** What a thread has of a storage: it opens partitions that no other opens, and closes them. */
export type SharedStorage = Pick<
  Storage,
  "partitionCount" | "formatVersion" | "openPartition" | "close"
>;

export interface StorageOptions {
  readonly dataDir: string | undefined;
  readonly application: string;
  readonly partitions: number | undefined;
  readonly acceptLoss: boolean;
  /** As many has a new data directory when nothing else says how many. Default DEFAULT_PARTITIONS. */
  readonly newPartitions?: number | undefined;
  /** As in NodeOptions. */
  readonly tablesAhead?: TablesAhead | undefined;
  /** Asked when the data directory is to be made: what it is filled from. */
  readonly restoration?: (() => Promise<Restoration | undefined>) | undefined;
}

/** Of a new data directory: one thread gains nothing from more, and each costs a sync of its own. */
export const DEFAULT_PARTITIONS = 1;

export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { newPartitions = DEFAULT_PARTITIONS } = options;
  if (options.dataDir === undefined) return openInMemory(options.partitions ?? newPartitions);
  const { dataDir, application, acceptLoss } = options;
  const known = await readDescription(join(dataDir, "statefold.json"));
  const restoration = known === undefined ? await options.restoration?.() : undefined;
  const partitions =
    options.partitions ?? known?.partitions ?? restoration?.partitions ?? newPartitions;
  const directory = await DataDirectory.open({
    ...{ dir: dataDir, application, partitions, ahead: options.tablesAhead },
    fill: async (made) => restoration?.fill(made, identityOf(made.description.createdAtMs)),
  });
  const { description, path } = directory;
  const { formatVersion } = description;
  const share = { partitionCount: partitions, formatVersion, acceptLoss };
  return {
    ...{ partitionCount: partitions, formatVersion, path, dataDir: path },
    identity: identityOf(description.createdAtMs),
    numbers: numbersOf(description),
    origin: description.origin,
    isNew: directory.isNew && restoration === undefined,
    share: { ...share, directory: { path, description } },
    openPartition: opener(directory, acceptLoss),
    space: () => spaceOf(path),
    close: () => directory.close(),
  };
}

/** On another thread than the storage was opened on, which holds it meanwhile. */
export function openShare(share: StorageShare): SharedStorage {
  const { partitionCount, formatVersion, acceptLoss } = share;
  if (share.directory === undefined) {
    const openPartition = openerInMemory(partitionCount);
    return { partitionCount, formatVersion, openPartition, close: async () => {} };
  }
  const { path, description } = share.directory;
  const directory = DataDirectory.share(path, description);
  const openPartition = opener(directory, acceptLoss);
  return { partitionCount, formatVersion, openPartition, close: () => directory.close() };
}

function opener(directory: DataDirectory, acceptLoss: boolean): Storage["openPartition"] {
  const opened = new Set<number>();
  return (partition) => {
    // What is lost while the node runs has not been accepted by anybody.
    const isFirst = !opened.has(partition);
    opened.add(partition);
    return directory.openPartition(partition, { acceptLoss: acceptLoss && isFirst });
  };
}

function openerInMemory(partitionCount: number): Storage["openPartition"] {
  const contents = Array.from({ length: partitionCount }, () => new MemoryContents());
  return async (partition) => {
    return Object.assign(new MemoryStore(contents[partition]), { lostEpoch: undefined });
  };
}

function numbersOf({ application, createdAtMs, origin }: Description): string {
  return origin?.application === application ? origin.numbers : identityOf(createdAtMs);
}

const identityOf = (createdAtMs: number): string => createdAtMs.toString(36);

async function openInMemory(partitionCount: number): Promise<Storage> {
  const path = await mkdtemp(join(tmpdir(), "statefold-"));
  const formatVersion = FORMAT_VERSION;
  return {
    partitionCount,
    formatVersion,
    path,
    dataDir: undefined,
    identity: identityOf(Date.now()),
    numbers: identityOf(Date.now()),
    origin: undefined,
    isNew: true,
    share: { partitionCount, formatVersion, directory: undefined, acceptLoss: false },
    openPartition: openerInMemory(partitionCount),
    space: async () => ({
      freeBytes: Number.POSITIVE_INFINITY,
      sizeBytes: Number.POSITIVE_INFINITY,
    }),
    close: () => rm(path, { recursive: true, force: true }),
  };
}
