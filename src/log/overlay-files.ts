import { type FileHandle, open, readdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { isAbsent } from "../base/system-error.ts";
import type { FileSystem, OpenFile } from "./files.ts";

/**
 * A file system whose changes stay in memory: what is on the disk is read and never written, not even
 * opened for it. So a topic log can be opened and recovered to see what a start would find.
 *
 * A changed file is held whole: at most a segment.
 */
export function overlayFiles(): FileSystem {
  const changed = new Map<string, Buffer>();
  const removed = new Set<string>();
  return {
    async open(path, create) {
      const known = changed.get(path);
      if (known !== undefined) return new OverlayFile(path, changed, undefined);
      try {
        if (removed.has(path)) throw absent(path);
        return new OverlayFile(path, changed, await open(path, "r"));
      } catch (error) {
        if (!create || !isAbsent(error)) throw error;
        changed.set(path, Buffer.alloc(0));
        return new OverlayFile(path, changed, undefined);
      }
    },
    async makeDirectory() {},
    async list(path) {
      const names = new Set(await namesIn(path));
      for (const each of changed.keys()) if (dirname(each) === path) names.add(basename(each));
      for (const each of removed) if (dirname(each) === path) names.delete(basename(each));
      return [...names];
    },
    async remove(path) {
      changed.delete(path);
      removed.add(path);
    },
    async syncDirectory() {},
  };
}

class OverlayFile implements OpenFile {
  readonly #path: string;
  readonly #changed: Map<string, Buffer>;
  readonly #disk: FileHandle | undefined;

  constructor(path: string, changed: Map<string, Buffer>, disk: FileHandle | undefined) {
    this.#path = path;
    this.#changed = changed;
    this.#disk = disk;
  }

  async size(): Promise<number> {
    const own = this.#changed.get(this.#path);
    return own?.byteLength ?? (await this.#disk?.stat())?.size ?? 0;
  }

  async read(position: number, length: number): Promise<Buffer> {
    const own = this.#changed.get(this.#path);
    if (own !== undefined) return Buffer.from(own.subarray(position, position + length));
    const size = await this.size();
    const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - position)));
    let filled = 0;
    while (filled < buffer.byteLength) {
      const rest = buffer.byteLength - filled;
      const read = await this.#disk?.read(buffer, filled, rest, position + filled);
      if (read === undefined || read.bytesRead === 0) break;
      filled += read.bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const before = await this.#whole();
    const after = Buffer.alloc(Math.max(before.byteLength, position + bytes.byteLength));
    after.set(before, 0);
    after.set(bytes, position);
    this.#changed.set(this.#path, after);
  }

  async truncate(size: number): Promise<void> {
    const before = await this.#whole();
    const after = Buffer.alloc(size);
    after.set(before.subarray(0, size), 0);
    this.#changed.set(this.#path, after);
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {
    await this.#disk?.close();
  }

  async #whole(): Promise<Buffer> {
    return this.#changed.get(this.#path) ?? (await this.read(0, await this.size()));
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function absent(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file, '${path}'`), { code: "ENOENT" });
}
