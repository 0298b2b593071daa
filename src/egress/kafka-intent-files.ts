import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { isAbsent } from "../base/system-error.ts";
import type { Intents } from "./kafka-intent.ts";

/**
 * Intents in a folder, a file each, open from its first use until the end, and never synced: the page cache outlives
 * the process.
 *
 *   file = the first 32 hexadecimal digits of SHA-256(name)
 */
export class IntentFiles implements Intents {
  readonly #folder: string;
  readonly #files = new Map<string, Promise<FileHandle>>();

  /** @param folder made when something is written */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    try {
      const file = await open(this.#pathOf(name));
      try {
        return await file.readFile();
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async write(name: string, note: Uint8Array): Promise<void> {
    let opening = this.#files.get(name);
    if (opening === undefined) {
      opening = this.#open(name);
      this.#files.set(name, opening);
      opening.catch(() => this.#files.delete(name)); // the next one tries again
    }
    const file = await opening;
    for (let done = 0; done < note.byteLength; ) {
      done += (await file.write(note, done, note.byteLength - done, done)).bytesWritten;
    }
  }

  /** Nothing is written any more. Idempotent. */
  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.all(files.map(async (opening) => (await opening).close()));
  }

  async #open(name: string): Promise<FileHandle> {
    await mkdir(this.#folder, { recursive: true });
    const path = this.#pathOf(name);
    return await open(path, "r+").catch((error: unknown) => {
      if (!isAbsent(error)) throw error;
      return open(path, "wx+");
    });
  }

  #pathOf(name: string): string {
    return join(this.#folder, createHash("sha256").update(name).digest("hex").slice(0, 32));
  }
}
