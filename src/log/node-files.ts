import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rm } from "node:fs/promises";
import { isAbsent } from "../base/system-error.ts";
import type { FileSystem, OpenFile } from "./files.ts";

/** The machine's own file system. */
export const nodeFiles: FileSystem = {
  async open(path, create) {
    const flags = constants.O_RDWR | (create ? constants.O_CREAT : 0);
    return new NodeFile(await open(path, flags, 0o644));
  },

  async makeDirectory(path) {
    await mkdir(path, { recursive: true });
  },

  async list(path) {
    try {
      return await readdir(path);
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  },

  async remove(path) {
    await rm(path, { force: true });
  },

  async syncDirectory(path) {
    // Windows cannot sync a folder, and keeps its entries in a journal of its own.
    if (process.platform === "win32") return;
    const directory = await open(path, constants.O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

class NodeFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(
        buffer,
        filled,
        length - filled,
        position + filled,
      );
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.byteLength) {
      const rest = bytes.byteLength - written;
      written += (await this.#handle.write(bytes, written, rest, position + written)).bytesWritten;
    }
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
  }

  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
