/**
 * Makes topics from copies of their segments, in a data directory that nobody believes in yet: what a crash leaves
 * half made is thrown away by whoever makes the directory. What is made is opened as any topic is, and then held
 * to what is expected by its maker; here nothing is looked at.
 */
import { dirname, join } from "node:path";
import { describeError, StatefoldError } from "../base/errors.ts";
import { FileCache } from "./file-cache.ts";
import type { FileSystem } from "./files.ts";
import { nodeFiles } from "./node-files.ts";
import { segmentPath } from "./segment.ts";
import { type SyncedNote, SyncedNoteFile } from "./synced-note.ts";
import { type LogFolders, logFolders, partitionPlace, writeTopicFile } from "./topic-file.ts";
import { topicFolder } from "./topic-name.ts";

/** Files open at once: one is written, and closed with the next ones. */
const OPEN_FILES = 8;

export class RestoredLog {
  readonly #folders: LogFolders;
  readonly #cache: FileCache;

  /** @param directory the data directory */
  constructor(directory: string, files: FileSystem = nodeFiles) {
    this.#folders = logFolders(directory);
    this.#cache = new FileCache(files, OPEN_FILES);
  }

  /** @returns how many bytes it has, durably. @throws what the bytes throw; LOG_WRITE_FAILED */
  async segment(
    topic: string,
    partition: number,
    base: number,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<number> {
    const { directory } = partitionPlace(this.#folders, topic, partition);
    const path = segmentPath(directory, base);
    let size = 0;
    await this.#writing(path, () => this.#cache.files.makeDirectory(directory));
    await this.#writing(path, () => this.#cache.use(path, (f) => f.truncate(0), { create: true }));
    for await (const chunk of bytes) {
      const at = size;
      await this.#writing(path, () => this.#cache.use(path, (file) => file.write(at, chunk)));
      size += chunk.byteLength;
    }
    await this.#writing(path, () => this.#cache.use(path, (file) => file.sync()));
    await this.#cache.forget(path);
    return size;
  }

  /** After its segments. @param notes by partition: how far it goes */
  async topic(name: string, notes: readonly SyncedNote[]): Promise<void> {
    const { files } = this.#cache;
    const folder = topicFolder(name);
    await this.#writing(folder, async () => {
      const witness = join(this.#folders.witness, folder);
      await files.makeDirectory(witness);
      for (const [partition, note] of notes.entries()) {
        const { directory, notePath } = partitionPlace(this.#folders, name, partition);
        await new SyncedNoteFile(this.#cache, notePath).create(note);
        await files.syncDirectory(directory);
      }
      const { witness: notesOf } = this.#folders;
      for (const made of [witness, notesOf, dirname(notesOf)]) await files.syncDirectory(made);
      await writeTopicFile(this.#cache, this.#folders, { name, partitions: notes.length });
    });
  }

  async close(): Promise<void> {
    await this.#cache.close();
  }

  async #writing<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      const text = `${path} of the topic log cannot be written: ${describeError(cause)}`;
      throw new StatefoldError("LOG_WRITE_FAILED", text, { cause });
    }
  }
}
