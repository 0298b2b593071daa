import { existsSync } from "node:fs";
import { join } from "node:path";
import { Level } from "level";
import { assert } from "../base/assert.ts";
import { breath } from "../base/breath.ts";
import { StatefoldError } from "../base/errors.ts";
import { syncNamed } from "./atomic-file.ts";
import type {
  Entry,
  ScanRange,
  Store,
  StoreInTheMaking,
  StoreSnapshot,
  Write,
} from "./contract.ts";
import { classifyFileError, classifyLevelError, corrupt } from "./level-errors.ts";
import {
  checkTables,
  cutLogs,
  type DatabaseStop,
  type LevelFiles,
  readLevelFiles,
  stopOf,
} from "./level-files.ts";
import { checkLimits } from "./limits.ts";
import { seal, unseal } from "./seal.ts";
import type { TablesAhead } from "./tables-ahead.ts";

/** How much an iterator fetches at once. */
const SCAN_BYTES = 1024 * 1024;
const SCAN_ENTRIES = 5_000;
/** Sealed bytes to those inside, of values that are not very small. */
const SEALED_SHARE = 1 + 1 / 16;
/** Of a commit prepared in one go: some milliseconds. A large one stands aside in between (I6). */
const BATCH_ENTRIES = 1_000;
const BATCH_BYTES = 1024 * 1024;
/**
 * Read without leaving the thread, for a microsecond each, where another thread's wake-up costs many. What is
 * not in memory holds the loop up for as many reads of the disk, and no more.
 */
const FEW_KEYS = 2;

export interface LevelOptions {
  /** One LevelDB's directory. */
  readonly dir: string;
  /** True: it must not exist yet, and is made. Default false: it must exist, and is never made anew. */
  readonly create?: boolean;
  /** Blocks read from tables that stay in memory. Default 8 MiB. */
  readonly cacheBytes?: number;
  /** Written bytes kept in memory (twice at most) before they become a table. Default 4 MiB. */
  readonly writeBufferBytes?: number;
  /**
   * True: a log that is damaged in its middle is cut off there, and what came after is lost. Default
   * false: it is an error.
   */
  readonly acceptLoss?: boolean;
  /** Of its tables some may have been compared already. Default: none was. */
  readonly ahead?: Pick<TablesAhead, "take"> | undefined;
  /** Begins the checksum of every value: see seal.ts. Default 0. */
  readonly salt?: number;
  /** Looks at the files when they have been checked, before anything writes to them; may refuse them. */
  readonly inspect?: (files: LevelFiles) => Promise<void>;
}

/** None: what is there now. */
interface SnapshotOption {
  readonly snapshot?: ReturnType<Level<Uint8Array, Uint8Array>["snapshot"]>;
}

type Phase =
  | { readonly name: "open" }
  /** I3: a failed sync is never tried again; reads may go on, commits may not. */
  | { readonly name: "failed"; readonly error: unknown }
  | { readonly name: "closing"; readonly done: Promise<void> };

/**
 * A store in one LevelDB. It owns the files and the classification of what goes wrong with them; whether
 * the directory is the right one, and whether its end is there, is asked around it (directory.ts,
 * witnessed-store.ts): LevelDB believes a log without its end.
 *
 * Before LevelDB opens the files, all of them are read and compared with their checksums from outside
 * (level-files.ts): 0.6 s of processor time for each GiB, maybe on threads of their own (tables-ahead.ts). There is no later time for it, since LevelDB's compactions copy what
 * is damaged into new tables, under new checksums. What is refused is left as it was found.
 */
export class LevelStore implements Store, StoreInTheMaking {
  readonly #db: Level<Uint8Array, Uint8Array>;
  readonly #dir: string;
  readonly #salt: number;
  readonly #running = new Set<Promise<unknown>>();
  #phase: Phase = { name: "open" };
  #epoch = 0;
  /** Something was written that no sync has covered. */
  #isFilled = false;

  private constructor(db: Level<Uint8Array, Uint8Array>, dir: string, salt: number) {
    this.#db = db;
    this.#dir = dir;
    this.#salt = salt;
  }

  /**
   * @throws StatefoldError STORE_CORRUPT when it is missing or damaged, STORE_LOCKED when it is open
   *   elsewhere, CONFIG_INVALID when the machine refuses, STORE_WRITE_FAILED when the disk is full.
   */
  static async open(options: LevelOptions): Promise<LevelStore> {
    const { dir, create = false, cacheBytes, writeBufferBytes } = options;
    if (create) assert(!existsSync(join(dir, "CURRENT")), `there is a store in ${dir} already`);
    else await checkFiles(options);
    const db = new Level<Uint8Array, Uint8Array>(dir, {
      keyEncoding: "view",
      valueEncoding: "view",
      createIfMissing: create,
      errorIfExists: create,
      ...(cacheBytes === undefined ? {} : { cacheSize: cacheBytes }),
      ...(writeBufferBytes === undefined ? {} : { writeBufferSize: writeBufferBytes }),
    });
    try {
      await db.open();
    } catch (error) {
      throw classifyLevelError(error, dir, "open");
    }
    return new LevelStore(db, dir, options.salt ?? 0);
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#run("read", () => this.#getMany(keys, {}));
  }

  scan(range: ScanRange): Promise<Entry[]> {
    assert(range.limit >= 1, `a scan of ${range.limit} entries`);
    return this.#run("read", () => this.#scan(range, {}));
  }

  /** LevelDB keeps what the snapshot sees until it is closed; taking it costs some microseconds. */
  snapshot(): StoreSnapshot {
    assert(this.#phase.name === "open", "a snapshot of a store that has failed or was closed");
    const of = { snapshot: this.#db.snapshot() };
    const reading = new Set<Promise<unknown>>();
    let closing: Promise<void> | undefined;
    const read = async <T>(operation: () => Promise<T>): Promise<T> => {
      assert(closing === undefined, "a snapshot is used after it was closed");
      if (this.#phase.name === "closing") {
        const text = `the store in ${this.#dir} was closed, and its snapshots with it`;
        throw new StatefoldError("UNAVAILABLE", text);
      }
      const running = this.#run("read", operation);
      reading.add(running);
      try {
        return await running;
      } finally {
        reading.delete(running);
      }
    };
    const close = async (): Promise<void> => {
      await Promise.allSettled(reading);
      await of.snapshot.close();
    };
    return {
      getMany: (keys) => read(() => this.#getMany(keys, of)),
      scan: (range) => read(() => this.#scan(range, of)),
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  }

  async #getMany(
    keys: readonly Uint8Array[],
    of: SnapshotOption,
  ): Promise<(Uint8Array | undefined)[]> {
    const sealed: readonly (Uint8Array | undefined)[] =
      keys.length <= FEW_KEYS
        ? keys.map((key) => this.#db.getSync(key, of))
        : await this.#db.getMany([...keys], of);
    return keys.map((key, i) => {
      const bytes = sealed[i];
      return bytes === undefined ? undefined : this.#unseal(key, bytes);
    });
  }

  async #scan(
    { from, until, limit, maxBytes = Number.POSITIVE_INFINITY }: ScanRange,
    of: SnapshotOption,
  ): Promise<Entry[]> {
    const found: Entry[] = [];
    let bytes = 0;
    // LevelDB counts the seals too, and is asked for as much again where it ends a little too early.
    const highWaterMarkBytes = Math.min(maxBytes * SEALED_SHARE, SCAN_BYTES);
    const iterator = this.#db.iterator({ gte: from, lt: until, limit, highWaterMarkBytes, ...of });
    try {
      while (found.length < limit && bytes < maxBytes) {
        const chunk = await iterator.nextv(Math.min(limit - found.length, SCAN_ENTRIES));
        if (chunk.length === 0) break;
        for (const [key, sealed] of chunk) {
          const value = this.#unseal(key, sealed);
          found.push({ key, value });
          bytes += key.byteLength + value.byteLength;
          if (bytes >= maxBytes) break;
        }
      }
    } finally {
      await iterator.close();
    }
    return found;
  }

  /** @throws as `commit` does */
  async fill(writes: readonly Write[]): Promise<void> {
    assert(this.#epoch === 0, "a store is filled before its first commit");
    this.#isFilled = true;
    await this.#change(writes, () => this.#write(writes, false));
  }

  /**
   * @throws StatefoldError VALUE_TOO_LARGE, and then nothing has changed; STORE_WRITE_FAILED or
   *   STORE_CORRUPT, and then this store takes no further commit.
   */
  async commit(writes: readonly Write[], epoch: number): Promise<void> {
    assert(epoch > this.#epoch, `epoch ${epoch} after epoch ${this.#epoch}`);
    await this.#change(writes, async () => {
      this.#epoch = epoch;
      await this.#write(writes, true);
      if (this.#isFilled) await this.#syncLogs();
      this.#isFilled = false;
    });
  }

  async #change(writes: readonly Write[], operation: () => Promise<void>): Promise<void> {
    if (this.#phase.name === "failed") {
      throw new StatefoldError(
        "STORE_WRITE_FAILED",
        `the store in ${this.#dir} takes no commit after one that failed; open it anew`,
        { cause: this.#phase.error },
      );
    }
    checkLimits(writes);
    try {
      await this.#run("write", operation);
    } catch (error) {
      if (this.#phase.name === "open") this.#phase = { name: "failed", error };
      throw error;
    }
  }

  async #write(writes: readonly Write[], sync: boolean): Promise<void> {
    const batch = this.#db.batch();
    let bytes = 0;
    for (const [at, { key, value }] of writes.entries()) {
      if (value === undefined) batch.del(key);
      else batch.put(key, seal(key, value, this.#salt));
      bytes += value?.byteLength ?? 0;
      if ((at + 1) % BATCH_ENTRIES !== 0 && bytes < BATCH_BYTES) continue;
      bytes = 0;
      await breath();
    }
    await batch.write({ sync });
  }

  /**
   * LevelDB syncs the log it writes to, and each table it makes of one; the log before may be neither a synced
   * table yet nor synced itself. One that goes meanwhile has become a table.
   */
  async #syncLogs(): Promise<void> {
    await syncNamed(this.#dir, (name) => name.endsWith(".log"));
  }

  close(): Promise<void> {
    if (this.#phase.name === "closing") return this.#phase.done;
    const done = this.#close();
    this.#phase = { name: "closing", done };
    return done;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#db.close();
  }

  /** Runs one operation, so that `close` waits for it, and what it throws has a name. */
  async #run<T>(during: "read" | "write", operation: () => Promise<T>): Promise<T> {
    assert(this.#phase.name !== "closing", "the store is used after it was closed");
    const running = operation();
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw classifyLevelError(error, this.#dir, during);
    } finally {
      this.#running.delete(running);
    }
  }

  #unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array {
    const value = unseal(key, sealed, this.#salt);
    if (value !== undefined) return value;
    const name = Buffer.from(key).toString("hex");
    throw corrupt(this.#dir, `the value of key ${name} in ${this.#dir} fails its checksum`);
  }
}

/** @throws StatefoldError STORE_CORRUPT, STORE_BEHIND_WITNESS, and what `inspect` throws */
async function checkFiles(options: LevelOptions): Promise<void> {
  const { acceptLoss = false, inspect } = options;
  const files = await readFiles(options);
  const stop = stopOf(files);
  // A torn end LevelDB reads over in the same way.
  const isCut = stop?.isDamage === true;
  if (isCut && !acceptLoss) throw damagedLog(stop);
  await inspect?.(files);
  if (isCut) await cutLogs(files);
}

async function readFiles({ dir, ahead }: LevelOptions): Promise<LevelFiles> {
  const right = await ahead?.take(dir);
  try {
    const files = await readLevelFiles(dir);
    await checkTables(files, right);
    return files;
  } catch (error) {
    throw classifyFileError(error, dir);
  }
}

function damagedLog({ path, at, what }: DatabaseStop & { path: string }): StatefoldError {
  return new StatefoldError(
    "STORE_BEHIND_WITNESS",
    `${path}, byte ${at}: ${what}. What was committed from there on cannot be trusted. Restore a backup, or start once with --accept-loss to go on from the last commit before it, without the later ones`,
  );
}
