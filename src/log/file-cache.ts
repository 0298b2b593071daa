import { assert } from "../base/assert.ts";
import type { FileSystem, OpenFile } from "./files.ts";

interface Entry {
  readonly path: string;
  readonly opening: Promise<OpenFile>;
  users: number;
  forgotten: boolean;
}

/**
 * Keeps the number of open files bounded, however many topics there are: at most `maxOpen`, the least
 * recently used one being closed for the next. When all are in use, the next user waits.
 *
 * A user of one file must not ask for another meanwhile, or two could wait for each other for ever.
 */
export class FileCache {
  readonly files: FileSystem;
  readonly #maxOpen: number;
  /** By path; the order of use, the longest unused first. */
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: (() => void)[] = [];
  /** Entries in the map, and those forgotten but still in use. */
  #open = 0;

  constructor(files: FileSystem, maxOpen: number) {
    assert(maxOpen >= 1, "a file cache holds at least one file");
    this.files = files;
    this.#maxOpen = maxOpen;
  }

  /** Runs `work` with the file open. An absent file is ENOENT, unless `create`. */
  async use<T>(
    path: string,
    work: (file: OpenFile) => Promise<T>,
    options: { readonly create?: boolean } = {},
  ): Promise<T> {
    const entry = await this.#acquire(path, options.create ?? false);
    try {
      return await work(await entry.opening);
    } finally {
      await this.#release(entry);
    }
  }

  /** The next user opens the file anew. Whoever uses it now goes on. */
  async forget(path: string): Promise<void> {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    entry.forgotten = true;
    if (entry.users === 0) await this.#close(entry);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((path) => this.forget(path)));
  }

  async #acquire(path: string, create: boolean): Promise<Entry> {
    for (;;) {
      const known = this.#entries.get(path);
      if (known !== undefined) {
        known.users++;
        this.#entries.delete(path);
        this.#entries.set(path, known);
        return known;
      }
      if (this.#open < this.#maxOpen) break;
      await this.#makeRoom();
    }
    this.#open++;
    const opening = this.files.open(path, create);
    const entry: Entry = { path, opening, users: 1, forgotten: false };
    this.#entries.set(path, entry);
    return entry;
  }

  async #makeRoom(): Promise<void> {
    for (const entry of this.#entries.values()) {
      if (entry.users > 0) continue;
      this.#entries.delete(entry.path);
      await this.#close(entry);
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #release(entry: Entry): Promise<void> {
    entry.users--;
    const opened = await entry.opening.then(
      () => true,
      () => false,
    );
    if (!opened && !entry.forgotten) {
      entry.forgotten = true;
      this.#entries.delete(entry.path);
    }
    if (entry.forgotten && entry.users === 0) await this.#close(entry);
    else if (entry.users === 0) this.#waiting.shift()?.();
  }

  async #close(entry: Entry): Promise<void> {
    try {
      await (await entry.opening).close();
    } catch {
      // Opening failed and its user was told; or closing did, and everything that matters was synced.
    } finally {
      this.#open--;
      this.#waiting.shift()?.();
    }
  }
}
