import { mkdir, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { assert } from "../base/assert.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { StatefoldError } from "../base/errors.ts";
import { syncFolder, writeFileAtomically } from "./atomic-file.ts";
import {
  type Description,
  type Origin,
  PARTITIONS,
  readDescription,
  writeDescription,
} from "./description.ts";
import { type DirectoryLock, lockDirectory } from "./directory-lock.ts";
import { FORMAT_VERSION } from "./format.ts";
import { LevelStore } from "./level.ts";
import { entriesIn } from "./level-entries.ts";
import { corrupt } from "./level-errors.ts";
import type { LevelFiles } from "./level-files.ts";
import { checkOwner, newOwner, readOwner, saltOf, writeOwner } from "./owner.ts";
import { unseal } from "./seal.ts";
import type { TablesAhead } from "./tables-ahead.ts";
import { Witness } from "./witness.ts";
import {
  behindWitness,
  type PartitionStore,
  readEpoch,
  WitnessedStore,
} from "./witnessed-store.ts";

/**
 * The data directory of a node:
 *
 *   statefold.json     what it is: format version, application, partition count, since when
 *   lock/              held by the running process: directory-lock.ts
 *   partitions/<p>/    the LevelDB of partition p
 *   witness/<p>        the last epoch it synced: witness.ts
 *   topics/            the topic log, whose files are its own affair
 *   egresses/          what the Kafka egresses were about to commit: made when it is needed, and theirs
 *   creating           only while the directory is being made
 *
 * It is made once, whole: `creating` first, every partition and its witness, then `statefold.json`.
 * From then on nothing in it is ever made anew, since LevelDB would take a missing database for an empty
 * one. A directory where `creating` stands without `statefold.json` was never used, and is made again.
 */
const DESCRIPTION = "statefold.json";
const LOCK = "lock";
const WITNESS = "witness";
const TOPICS = "topics";
const CREATING = "creating";

/** Makes a folder no less empty: a file system's own, and what a first start leaves when it is killed. */
const OF_NO_ACCOUNT = new Set(["lost+found", LOCK, `${CREATING}.tmp`]);
/** What may lie beside `creating`: only such a directory is made again. */
const OF_A_BEGINNING = new Set([CREATING, PARTITIONS, WITNESS, TOPICS, `${DESCRIPTION}.tmp`]);

export interface DirectoryOptions {
  /** Made, with its parents, when it does not exist. */
  readonly dir: string;
  /** Whose data it holds; a directory is only opened by the application that made it. */
  readonly application: string;
  /** At least 1. */
  readonly partitions: number;
  /** What the holder is called when another process finds the directory in use. Default "statefold". */
  readonly command?: string;
  readonly clock?: Clock;
  /** Its tables as far as they were compared already, while nobody held it. Default: none was. */
  readonly ahead?: TablesAhead | undefined;
  /**
   * What a directory that is made begins with: called with it while nobody believes in it yet. When it rejects, or
   * the process dies, nothing was made. It closes the partitions it opens, and says where they are from.
   */
  readonly fill?: ((directory: DataDirectory) => Promise<Origin | undefined>) | undefined;
}

export interface PartitionOptions {
  /** Believe the database as it is, also when it is behind its witness or has none. Default false. */
  readonly acceptLoss?: boolean;
  /** These two as in LevelOptions. */
  readonly cacheBytes?: number;
  readonly writeBufferBytes?: number;
}

/** A data directory that is ours, and held, until it is closed. */
export class DataDirectory {
  /** Absolute. */
  readonly path: string;
  #description: Description;
  /** It was made by this opening: nothing was here before. */
  readonly isNew: boolean;
  /** The folder of the topic log. It exists. */
  readonly topicsPath: string;
  readonly #lock: DirectoryLock;
  readonly #ahead: TablesAhead | undefined;
  readonly #partitions = new Map<number, Promise<PartitionStore>>();
  #closing: Promise<void> | undefined;

  private constructor(
    path: string,
    { description, isNew }: { description: Description; isNew: boolean },
    lock: DirectoryLock,
    ahead?: TablesAhead,
  ) {
    this.path = path;
    this.#description = description;
    this.isNew = isNew;
    this.topicsPath = join(path, TOPICS);
    this.#lock = lock;
    this.#ahead = ahead;
  }

  get description(): Description {
    return this.#description;
  }

  /**
   * Makes it or checks it, and holds it.
   *
   * @throws StatefoldError STORE_LOCKED when another process holds it; STORE_FOREIGN when it is another
   *   application's or no data directory; STORE_FORMAT; STORE_CORRUPT; CONFIG_INVALID when it has
   *   another partition count, or cannot be used here
   */
  static async open(options: DirectoryOptions): Promise<DataDirectory> {
    const path = resolve(options.dir);
    const { partitions, command = "statefold", clock = systemClock } = options;
    if (!Number.isSafeInteger(partitions) || partitions < 1) {
      throw new StatefoldError(
        "CONFIG_INVALID",
        `${partitions} partitions: there must be at least 1`,
      );
    }
    await makeFolder(path);
    await check(path, options); // before anything of ours is put into a folder that is not
    const holder = { pid: process.pid, host: hostname(), command, sinceMs: clock.now() };
    const lock = await lockDirectory(join(path, LOCK), holder);
    try {
      // Again: between the first look and the lock another process may have made it.
      const known = await check(path, options);
      const description = known ?? (await makeParts(path, options, clock));
      const isNew = known === undefined;
      const directory = new DataDirectory(path, { description, isNew }, lock, options.ahead);
      if (known === undefined) {
        const origin = await options.fill?.(directory);
        assert(directory.#partitions.size === 0, "who fills a directory closes its partitions");
        if (origin !== undefined) directory.#description = { ...description, origin };
        await writeDescription(join(path, DESCRIPTION), directory.#description);
      }
      await rm(join(path, CREATING), { force: true }); // in vain unless it was being made
      return directory;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /**
   * One that another thread of this process holds: its partitions can be opened, and closing it closes them. Whoever
   * holds it sees to it that a partition is opened on one thread only.
   *
   * @param path and `description` of the one that is held
   */
  static share(path: string, description: Description): DataDirectory {
    const held: DirectoryLock = { release: async () => {} };
    return new DataDirectory(path, { description, isNew: false }, held);
  }

  /**
   * Opens the store of one partition, once at a time: after it is closed, it may be opened again.
   *
   * @throws StatefoldError STORE_CORRUPT, STORE_BEHIND_WITNESS, STORE_FOREIGN, STORE_FORMAT
   */
  openPartition(partition: number, options: PartitionOptions = {}): Promise<PartitionStore> {
    assert(this.#closing === undefined, "a partition is opened in a closed directory");
    assert(partition >= 0 && partition < this.description.partitions, `partition ${partition}`);
    assert(!this.#partitions.has(partition), `partition ${partition} is open already`);
    const opening = this.#open(partition, options);
    this.#partitions.set(partition, opening);
    opening.catch(() => this.#partitions.delete(partition));
    return opening;
  }

  async #open(partition: number, options: PartitionOptions): Promise<PartitionStore> {
    const { acceptLoss = false, ...level } = options;
    const dir = join(this.path, PARTITIONS, String(partition));
    const witnessPath = join(this.path, WITNESS, String(partition));
    const { application, partitions: partitionCount } = this.description;
    const identity = { application, partition, partitionCount };
    let witness: Witness | undefined;
    // The name stands in two places: where one of them is lost, a person may accept the other.
    const [owner, said] = [
      await readOwner(dir),
      await Witness.read(witnessPath).catch(unlessDamaged),
    ];
    const salt = saltOf(owner ?? said?.owner ?? "");
    const inspect = async (files: LevelFiles): Promise<void> => {
      if (owner !== undefined && said !== undefined) checkOwner(dir, owner, said.owner);
      const epoch = await readEpoch({ store: viewOf(files, salt), dir, identity });
      witness = await Witness.open(witnessPath).catch(async (error: unknown) => {
        unlessDamaged(error);
        if (!acceptLoss || owner === undefined) throw error;
        // Nobody knows what was synced: something later than what is here, to be on the safe side.
        await Witness.write(witnessPath, { epoch: epoch + 1, owner });
        return await Witness.open(witnessPath);
      });
      if (owner === undefined && acceptLoss) await writeOwner(dir, witness.owner);
      else checkOwner(dir, owner, witness.owner);
      if (epoch < witness.epoch && !acceptLoss) throw behindWitness(dir, epoch, witness.epoch);
    };
    let store: LevelStore;
    try {
      const ahead = this.#ahead;
      store = await LevelStore.open({ dir, acceptLoss, inspect, salt, ahead, ...level });
    } catch (error) {
      await witness?.close();
      throw error;
    }
    assert(witness !== undefined, "the store was inspected");
    const witnessed = await WitnessedStore.open({ store, witness, dir, identity, acceptLoss });
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await witnessed.close();
      this.#partitions.delete(partition);
    };
    return {
      lostEpoch: witnessed.lostEpoch,
      getMany: (keys) => witnessed.getMany(keys),
      scan: (range) => witnessed.scan(range),
      fill: (writes) => witnessed.fill(writes),
      commit: (writes, epoch) => witnessed.commit(writes, epoch),
      snapshot: () => witnessed.snapshot(),
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  }

  /** Closes every partition that is open, then lets go of the directory. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closing = [...this.#partitions.values()].map(async (opening) => {
      const store = await opening.catch(() => undefined); // its caller has been told
      await store?.close();
    });
    const failed = (await Promise.allSettled(closing)).find((end) => end.status === "rejected");
    await this.#lock.release();
    if (failed !== undefined) throw failed.reason;
  }
}

/** Goes on without what is damaged or missing; what the machine refuses may be whole, and is left alone. */
function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof StatefoldError) || error.code !== "STORE_CORRUPT") throw error;
}

/** Finds the meta record in the files; it stands first, before every other key. */
function viewOf(files: LevelFiles, salt: number): Pick<LevelStore, "getMany"> {
  return {
    getMany: async (keys) => {
      const [wanted = new Uint8Array(0)] = keys;
      // Not one table further: behind it may stand the marks of millions of deleted keys.
      const until = Buffer.concat([wanted, Buffer.of(0)]);
      for await (const [first] of entriesIn(files, { until })) {
        if (first === undefined || Buffer.compare(first.key, wanted) !== 0) return [undefined];
        const value = unseal(first.key, first.sealed, salt);
        if (value !== undefined) return [value];
        throw corrupt(files.dir, `the meta record in ${files.dir} fails its checksum`);
      }
      return [undefined];
    },
  };
}

/** The description of a directory that is ours, or undefined for one that may be made. */
async function check(path: string, options: DirectoryOptions): Promise<Description | undefined> {
  const description = await readDescription(join(path, DESCRIPTION));
  if (description === undefined) {
    const names = (await readdir(path)).filter((name) => !OF_NO_ACCOUNT.has(name));
    if (names.includes(DESCRIPTION)) return check(path, options); // another process has just made it
    if (names.length === 0) return undefined;
    if (names.includes(CREATING) && names.every((name) => OF_A_BEGINNING.has(name)))
      return undefined;
    if (names.includes(PARTITIONS)) throw corrupt(path, `${DESCRIPTION} is missing from ${path}`);
    throw new StatefoldError(
      "STORE_FOREIGN",
      `${path} is not a data directory, and it is not empty (it holds ${names.slice(0, 3).join(", ")}). Choose an empty or a new one`,
    );
  }
  const { application, partitions } = description;
  if (application !== options.application) {
    throw new StatefoldError(
      "STORE_FOREIGN",
      `${path} belongs to the application "${application}", not to "${options.application}". Choose another directory, or start the application it belongs to`,
    );
  }
  if (partitions !== options.partitions) {
    throw new StatefoldError(
      "CONFIG_INVALID",
      `${path} has ${partitions} partitions, and ${options.partitions} were asked for: the count decides where an id lives and stays as it was made. Ask for ${partitions}, or begin with a new directory`,
    );
  }
  return description;
}

/** Makes everything but the description, or makes again what a killed process began to make. */
async function makeParts(
  path: string,
  options: DirectoryOptions,
  clock: Clock,
): Promise<Description> {
  const { application, partitions } = options;
  await writeFileAtomically(join(path, CREATING), "");
  for (const name of [PARTITIONS, WITNESS, TOPICS]) {
    await rm(join(path, name), { recursive: true, force: true });
    await mkdir(join(path, name));
  }
  for (let partition = 0; partition < partitions; partition++) {
    const dir = join(path, PARTITIONS, String(partition));
    const store = await LevelStore.open({ dir, create: true });
    await store.close();
    const owner = newOwner();
    await writeOwner(dir, owner);
    await Witness.write(join(path, WITNESS, String(partition)), { epoch: 0, owner });
  }
  await syncFolder(join(path, PARTITIONS));
  await syncFolder(path);
  return { formatVersion: FORMAT_VERSION, application, partitions, createdAtMs: clock.now() };
}

/** The folder and its parents, their names durable. */
async function makeFolder(path: string): Promise<void> {
  let first: string | undefined;
  try {
    first = await mkdir(path, { recursive: true });
  } catch (error) {
    throw new StatefoldError("CONFIG_INVALID", `the data directory ${path} cannot be made`, {
      cause: error,
    });
  }
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    assert(basename(made) !== "", `a root was made: ${made}`);
    await syncFolder(dirname(made));
  }
}
