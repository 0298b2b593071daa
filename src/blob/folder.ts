import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import {
  type FileHandle,
  link,
  lstat,
  open,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  unlink,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { StatefoldError } from "../base/errors.ts";
import { isAbsent, systemCode } from "../base/system-error.ts";
import { chunksOf } from "./body.ts";
import type {
  Blob,
  BlobBody,
  BlobEntry,
  BlobOptions,
  BlobStore,
  GetOptions,
  ListOptions,
  PutOptions,
  PutResult,
} from "./contract.ts";
import { classifyFolderError } from "./folder-errors.ts";
import { listFiles } from "./folder-listing.ts";
import { withFolderLock } from "./folder-lock.ts";
import { tagOf } from "./folder-tag.ts";
import { hasParents, makeFolder, makeParents, syncParents } from "./folder-tree.ts";
import { checkKey } from "./key.ts";

/** A temporary file that nobody has written to for so long is left over. */
const ABANDONED_MS = 3_600_000;
/** Read at once. */
const READ_BYTES = 256 * 1024;

/**
 * A folder, made by the first write:
 *
 *     ROOT/part/part        an object, whole
 *     ROOT/.uploads/UUID    one that is being written
 *     ROOT/.lock/           held while an object is replaced or deleted
 *
 * An object is written and synced in `.uploads` and then gets its name. With ifAbsent it gets it by link(2), of
 * which one succeeds, on every file system that has it; whoever replaces or deletes holds the lock, so that
 * ifMatch holds between the processes of one machine. (Several machines on one network file system: only if its
 * fcntl locks hold between them.)
 *
 * Links below ROOT are not followed: one in the place of a folder or an object is refused by name.
 */
export function openFolder(root: string): BlobStore {
  return new FolderBlobStore(root);
}

class FolderBlobStore implements BlobStore {
  readonly #root: string;
  #isCleaned = false;

  constructor(root: string) {
    this.#root = root;
  }

  async put(key: string, body: BlobBody, options: PutOptions = {}): Promise<PutResult> {
    checkKey(key);
    options.signal?.throwIfAborted();
    const uploads = join(this.#root, ".uploads");
    const temporary = join(uploads, randomUUID());
    try {
      await this.#system(`store ${key}`, () => makeFolder(uploads));
      await this.#clean(uploads);
      const tag = await this.#write(temporary, key, body, options.signal);
      return await this.#system(`store ${key}`, () => this.#place(temporary, key, tag, options));
    } finally {
      // What cannot be removed now is removed when it is old. The first error is the one to tell.
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  /** The bytes, durable, without their name. */
  async #write(
    path: string,
    key: string,
    body: BlobBody,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const what = `store ${key}`;
    const file = await this.#system(what, () => open(path, "wx"));
    try {
      // What the source throws is its own.
      for await (const chunk of chunksOf(body, signal)) {
        await this.#system(what, () => file.writeFile(chunk));
      }
      signal?.throwIfAborted();
      return await this.#system(what, async () => {
        await file.sync();
        return tagOf(await file.stat({ bigint: true }));
      });
    } finally {
      await file.close();
    }
  }

  async #place(
    temporary: string,
    key: string,
    tag: string,
    { ifAbsent, ifMatch, signal }: PutOptions,
  ): Promise<PutResult> {
    const target = join(this.#root, key);
    const inFolder = async (name: () => Promise<void>): Promise<PutResult> => {
      for (;;) {
        await makeParents(this.#root, key);
        try {
          await name();
          break;
        } catch (error) {
          // Who deletes the last object of a folder removes it. The temporary file may be gone for good.
          if (systemCode(error) !== "ENOENT") throw error;
          await lstat(temporary);
        }
      }
      await syncParents(this.#root, key);
      return { stored: true, tag };
    };
    if (ifAbsent !== undefined) {
      try {
        return await inFolder(() => link(temporary, target));
      } catch (error) {
        if (systemCode(error) !== "EEXIST") throw error;
        return { stored: false, because: "exists" };
      }
    }
    return await this.#locked(signal, async () => {
      if (ifMatch !== undefined && (await this.#tagAt(key)) !== ifMatch) {
        return { stored: false, because: "changed" };
      }
      return await inFolder(() => rename(temporary, target));
    });
  }

  async #tagAt(key: string): Promise<string | undefined> {
    try {
      const stat = await lstat(join(this.#root, key), { bigint: true });
      return stat.isFile() ? tagOf(stat) : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<Blob | undefined> {
    checkKey(key);
    const { fromByte = 0, signal } = options;
    signal?.throwIfAborted();
    const file = await this.#system(`read ${key}`, () => this.#openObject(key));
    if (file === undefined) return undefined;
    try {
      const stat = await this.#system(`read ${key}`, () => file.stat({ bigint: true }));
      const size = Number(stat.size);
      return {
        size,
        tag: tagOf(stat),
        chunks: this.#chunks(file, key, fromByte, size, signal),
        discard: () => file.close(),
      };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #openObject(key: string): Promise<FileHandle | undefined> {
    if (!(await hasParents(this.#root, key))) return undefined;
    try {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
      const file = await open(join(this.#root, key), flags);
      if ((await file.stat()).isFile()) return file;
      await file.close();
      return undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async *#chunks(
    file: FileHandle,
    key: string,
    fromByte: number,
    size: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    try {
      for (let at = fromByte; at < size; ) {
        signal?.throwIfAborted();
        const chunk = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, size - at));
        const { bytesRead } = await this.#system(`read ${key}`, () =>
          file.read(chunk, 0, chunk.byteLength, at),
        );
        if (bytesRead === 0) {
          const text = `the blob store ${this.#root} has ${at} of ${size} bytes of ${key}`;
          throw new StatefoldError("BLOB_CORRUPT", text);
        }
        at += bytesRead;
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async *list(prefix: string, { after = "", signal }: ListOptions = {}): AsyncGenerator<BlobEntry> {
    try {
      for await (const entry of listFiles(this.#root, prefix, after)) {
        signal?.throwIfAborted();
        yield entry;
      }
    } catch (error) {
      throw classifyFolderError(error, this.#root, `list ${prefix}`);
    }
  }

  async delete(keys: readonly string[], { signal }: BlobOptions = {}): Promise<void> {
    for (const key of keys) checkKey(key);
    const there: string[] = [];
    await this.#system("delete", async () => {
      for (const key of keys) if ((await this.#tagAt(key)) !== undefined) there.push(key);
    });
    if (there.length === 0) return;
    await this.#locked(signal, async () => {
      for (const key of there) {
        signal?.throwIfAborted();
        await this.#system(`delete ${key}`, () => this.#remove(key));
      }
    });
  }

  async #remove(key: string): Promise<void> {
    if (!(await hasParents(this.#root, key))) return;
    try {
      await unlink(join(this.#root, key));
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
    await syncParents(this.#root, key);
    for (let folder = dirname(key); folder !== "."; folder = dirname(folder)) {
      const isRemoved = await rmdir(join(this.#root, folder)).then(
        () => true,
        () => false, // something is in it
      );
      if (!isRemoved) return;
    }
  }

  async close(): Promise<void> {}

  async #locked<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const folder = join(await realpath(this.#root), ".lock");
    await makeFolder(folder);
    return await withFolderLock(folder, signal, work);
  }

  /** Once: temporary files of processes that have died. */
  async #clean(uploads: string): Promise<void> {
    if (this.#isCleaned) return;
    this.#isCleaned = true;
    await this.#system("clean up", async () => {
      for (const name of await readdir(uploads)) {
        const path = join(uploads, name);
        const stat = await lstat(path).catch(() => undefined);
        if (stat !== undefined && stat.mtimeMs < Date.now() - ABANDONED_MS) {
          await rm(path, { force: true });
        }
      }
    });
  }

  async #system<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw classifyFolderError(error, this.#root, what);
    }
  }
}
