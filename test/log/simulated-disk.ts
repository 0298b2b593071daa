import { dirname } from "node:path";
import type { FileSystem, OpenFile } from "../../src/log/files.ts";

export type Operation =
  | "open"
  | "read"
  | "write"
  | "truncate"
  | "sync"
  | "makeDirectory"
  | "list"
  | "remove"
  | "syncDirectory";

type Change =
  | { readonly kind: "write"; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly size: number };

interface File {
  /** What a process sees. */
  seen: Buffer;
  /** What a loss of power leaves at least. */
  durable: Buffer;
  /** What it may leave of the rest: each change whole, torn or not at all. */
  unsynced: Change[];
}

type Node = File | "directory";

interface EntryChange {
  readonly path: string;
  /** Undefined: removed. */
  readonly node: Node | undefined;
}

/** What a power loss may keep or lose of a write by itself. */
const SECTOR_BYTES = 32;

/** What is there from the beginning. */
const FOLDERS = [
  ["/", "directory"],
  ["/data", "directory"],
] as const;

/** A seeded generator (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A disk in memory. What was not synced is lost, torn or kept as the seed has it when the power goes;
 * entries of folders count as well. A failed sync forgets what it should have synced, as Linux does: it
 * can still be read, and will never be durable.
 */
export class SimulatedDisk {
  /** Operations so far. */
  steps = 0;
  /** The operation with this number is not lived to see. */
  crashAt = Number.POSITIVE_INFINITY;
  /** Gives the failure of an operation, if it is to fail. */
  fault: (operation: Operation, path: string) => Error | undefined = () => undefined;
  /** Called once when `crashAt` is reached. */
  onCrash: () => void = () => {};
  /** Open handles of the process that lives. */
  openFiles = 0;
  maxOpenFiles = 0;
  readonly counts: Partial<Record<Operation, number>> = {};
  readonly #random: () => number;
  #life = 0;
  #entries = new Map<string, Node>(FOLDERS);
  #durableEntries = new Map<string, Node>(FOLDERS);
  #unsyncedEntries: EntryChange[] = [];

  constructor(random: () => number = seeded(1)) {
    this.#random = random;
  }

  /** A file system for a process that starts now. Those of earlier processes do nothing any more. */
  boot(): FileSystem {
    const life = ++this.#life;
    this.openFiles = 0;
    this.maxOpenFiles = 0;
    return {
      open: async (path, create) => {
        await this.#step(life, "open", path);
        return new SimulatedFile(this, life, path, this.#openNode(path, create));
      },
      makeDirectory: async (path) => {
        await this.#step(life, "makeDirectory", path);
        this.#makeDirectory(path);
      },
      list: async (path) => {
        await this.#step(life, "list", path);
        return [...this.#entries.keys()]
          .filter((name) => name !== "/" && dirname(name) === path)
          .map((name) => name.slice(path === "/" ? 1 : path.length + 1));
      },
      remove: async (path) => {
        await this.#step(life, "remove", path);
        if (this.#entries.has(path)) this.#change({ path, node: undefined });
      },
      syncDirectory: async (path) => {
        await this.#step(life, "syncDirectory", path);
        for (const change of this.#unsyncedEntries) {
          if (dirname(change.path) === path) apply(this.#durableEntries, change);
        }
        this.#unsyncedEntries = this.#unsyncedEntries.filter(
          (change) => dirname(change.path) !== path,
        );
      },
    };
  }

  /** The process is gone; what it wrote is seen by the next. */
  kill(): void {
    this.#life++;
    this.crashAt = Number.POSITIVE_INFINITY;
  }

  /** The power is gone, and the process with it. */
  losePower(): void {
    this.kill();
    for (const change of this.#unsyncedEntries) {
      if (this.#random() < 0.5) apply(this.#durableEntries, change);
    }
    this.#unsyncedEntries = [];
    for (const path of this.#durableEntries.keys()) {
      if (!this.#isReachable(path)) this.#durableEntries.delete(path);
    }
    this.#entries = new Map(this.#durableEntries);
    for (const node of this.#entries.values()) {
      if (node === "directory") continue;
      for (const change of node.unsynced) node.durable = this.#tear(node.durable, change);
      node.unsynced = [];
      node.seen = node.durable;
    }
  }

  /** Every file's path. */
  paths(): string[] {
    return [...this.#entries].filter(([, node]) => node !== "directory").map(([path]) => path);
  }

  bytesOf(path: string): Buffer {
    const node = this.#entries.get(path);
    if (node === undefined || node === "directory") throw new Error(`no file ${path}`);
    return Buffer.from(node.seen);
  }

  /** Changes a file behind everybody's back, durably. */
  overwrite(path: string, bytes: Buffer): void {
    const file: File = { seen: bytes, durable: bytes, unsynced: [] };
    this.#entries.set(path, file);
    this.#durableEntries.set(path, file);
  }

  /** Takes a file away behind everybody's back, durably. */
  lose(path: string): void {
    this.#entries.delete(path);
    this.#durableEntries.delete(path);
  }

  async run<T>(life: number, operation: Operation, path: string, work: () => T): Promise<T> {
    await this.#step(life, operation, path);
    return work();
  }

  async write(life: number, path: string, file: File, change: Change): Promise<void> {
    try {
      await this.#step(life, change.kind, path);
    } catch (error) {
      // A write that fails, or that a crash ends, may have done any part of its work.
      if (life !== this.#life && this.crashAt !== this.steps) throw error;
      if (change.kind === "write" && this.#random() < 0.7) {
        const bytes = change.bytes.subarray(0, Math.floor(this.#random() * change.bytes.length));
        this.#apply(file, { ...change, bytes });
      }
      throw error;
    }
    this.#apply(file, change);
  }

  async sync(life: number, path: string, file: File): Promise<void> {
    try {
      await this.#step(life, "sync", path);
    } catch (error) {
      const died = life !== this.#life || this.steps >= this.crashAt;
      if (!died) file.unsynced = [];
      throw error;
    }
    file.durable = file.unsynced.reduce(applied, file.durable);
    file.unsynced = [];
  }

  #apply(file: File, change: Change): void {
    file.seen = applied(file.seen, change);
    file.unsynced.push(change);
  }

  async #step(life: number, operation: Operation, path: string): Promise<void> {
    await Promise.resolve();
    if (life !== this.#life || this.steps >= this.crashAt) throw new Error("the process is gone");
    this.steps++;
    this.counts[operation] = (this.counts[operation] ?? 0) + 1;
    const error = this.fault(operation, path);
    if (error !== undefined) throw error;
    if (this.steps !== this.crashAt) return;
    this.onCrash();
    throw new Error("the process is gone");
  }

  #openNode(path: string, create: boolean): File {
    const node = this.#entries.get(path);
    if (node === "directory") throw systemError("EISDIR", path);
    if (node !== undefined) return node;
    if (!create || this.#entries.get(dirname(path)) !== "directory") {
      throw systemError("ENOENT", path);
    }
    const file: File = { seen: Buffer.alloc(0), durable: Buffer.alloc(0), unsynced: [] };
    this.#change({ path, node: file });
    return file;
  }

  #makeDirectory(path: string): void {
    if (this.#entries.has(path)) return;
    this.#makeDirectory(dirname(path));
    this.#change({ path, node: "directory" });
  }

  #change(change: EntryChange): void {
    apply(this.#entries, change);
    this.#unsyncedEntries.push(change);
  }

  #isReachable(path: string): boolean {
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      if (!this.#durableEntries.has(folder)) return false;
      if (folder === "/") return true;
    }
  }

  /** A change as a loss of power leaves it. */
  #tear(content: Buffer, change: Change): Buffer {
    const chance = this.#random();
    if (chance < 0.3) return content;
    if (chance < 0.6 || change.kind === "truncate") return applied(content, change);
    let result = content;
    const lostAlone = Math.floor((this.#random() * change.bytes.length) / SECTOR_BYTES);
    for (let from = 0; from < change.bytes.length; from += SECTOR_BYTES) {
      if (chance < 0.8 ? from === lostAlone * SECTOR_BYTES : this.#random() < 0.4) continue;
      const bytes = change.bytes.subarray(from, from + SECTOR_BYTES);
      result = applied(result, { kind: "write", position: change.position + from, bytes });
    }
    return result;
  }
}

class SimulatedFile implements OpenFile {
  readonly #disk: SimulatedDisk;
  readonly #life: number;
  readonly #path: string;
  readonly #file: File;

  constructor(disk: SimulatedDisk, life: number, path: string, file: File) {
    this.#disk = disk;
    this.#life = life;
    this.#path = path;
    this.#file = file;
    disk.openFiles++;
    disk.maxOpenFiles = Math.max(disk.maxOpenFiles, disk.openFiles);
  }

  async size(): Promise<number> {
    return await this.#disk.run(this.#life, "read", this.#path, () => this.#file.seen.byteLength);
  }

  async read(position: number, length: number): Promise<Buffer> {
    return await this.#disk.run(this.#life, "read", this.#path, () =>
      Buffer.from(this.#file.seen.subarray(position, position + length)),
    );
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const change: Change = { kind: "write", position, bytes: Buffer.from(bytes) };
    await this.#disk.write(this.#life, this.#path, this.#file, change);
  }

  async truncate(size: number): Promise<void> {
    await this.#disk.write(this.#life, this.#path, this.#file, { kind: "truncate", size });
  }

  async sync(): Promise<void> {
    await this.#disk.sync(this.#life, this.#path, this.#file);
  }

  async close(): Promise<void> {
    this.#disk.openFiles--;
  }
}

function apply(entries: Map<string, Node>, change: EntryChange): void {
  if (change.node === undefined) entries.delete(change.path);
  else entries.set(change.path, change.node);
}

function applied(content: Buffer, change: Change): Buffer {
  if (change.kind === "truncate") {
    const result = Buffer.alloc(change.size);
    content.copy(result);
    return result;
  }
  const end = change.position + change.bytes.byteLength;
  const result = Buffer.alloc(Math.max(content.byteLength, end));
  content.copy(result);
  change.bytes.copy(result, change.position);
  return result;
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
