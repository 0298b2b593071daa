/** Where a node keeps its data: a directory, or memory and a temporary folder for the topics. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DiskSpace, spaceOf } from "../base/disk-space.ts";
import { type Description, type Origin, readDescription } from "../store/description.ts";
import { DataDirectory } from "../store/directory.ts";
import { FORMAT_VERSION } from "../store/format.ts";
import { MemoryContents, MemoryStore } from "../store/memory.ts";
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
  /** A partition is closed before it is opened again. */
  openPartition(partition: number): Promise<PartitionStore>;
  close(): Promise<void>;
}

export interface StorageOptions {
  readonly dataDir: string | undefined;
  readonly application: string;
  readonly partitions: number | undefined;
  readonly acceptLoss: boolean;
  /** Asked when the data directory is to be made: what it is filled from. */
  readonly restoration?: (() => Promise<Restoration | undefined>) | undefined;
}

/** Of a new data directory: one thread gains nothing from more, and each costs a sync of its own. */
export const DEFAULT_PARTITIONS = 1;

export async function openStorage(options: StorageOptions): Promise<Storage> {
  if (options.dataDir === undefined) return openInMemory(options.partitions ?? DEFAULT_PARTITIONS);
  const { dataDir, application, acceptLoss } = options;
  const known = await readDescription(join(dataDir, "statefold.json"));
  const restoration = known === undefined ? await options.restoration?.() : undefined;
  const partitions =
    options.partitions ?? known?.partitions ?? restoration?.partitions ?? DEFAULT_PARTITIONS;
  const directory = await DataDirectory.open({
    ...{ dir: dataDir, application, partitions },
    fill: async (made) => restoration?.fill(made, identityOf(made.description.createdAtMs)),
  });
  const opened = new Set<number>();
  return {
    partitionCount: partitions,
    formatVersion: directory.description.formatVersion,
    path: directory.path,
    dataDir: directory.path,
    identity: identityOf(directory.description.createdAtMs),
    numbers: numbersOf(directory.description),
    origin: directory.description.origin,
    isNew: directory.isNew && restoration === undefined,
    openPartition: (partition) => {
      // What is lost while the node runs has not been accepted by anybody.
      const isFirst = !opened.has(partition);
      opened.add(partition);
      return directory.openPartition(partition, { acceptLoss: acceptLoss && isFirst });
    },
    space: () => spaceOf(directory.path),
    close: () => directory.close(),
  };
}

function numbersOf({ application, createdAtMs, origin }: Description): string {
  return origin?.application === application ? origin.numbers : identityOf(createdAtMs);
}

const identityOf = (createdAtMs: number): string => createdAtMs.toString(36);

async function openInMemory(partitionCount: number): Promise<Storage> {
  const path = await mkdtemp(join(tmpdir(), "statefold-"));
  const contents = Array.from({ length: partitionCount }, () => new MemoryContents());
  return {
    partitionCount,
    formatVersion: FORMAT_VERSION,
    path,
    dataDir: undefined,
    identity: identityOf(Date.now()),
    numbers: identityOf(Date.now()),
    origin: undefined,
    isNew: true,
    openPartition: async (partition) =>
      Object.assign(new MemoryStore(contents[partition]), { lostEpoch: undefined }),
    space: async () => ({
      freeBytes: Number.POSITIVE_INFINITY,
      sizeBytes: Number.POSITIVE_INFINITY,
    }),
    close: () => rm(path, { recursive: true, force: true }),
  };
}
