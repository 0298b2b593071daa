/**
 * What must not outlive a run that is broken off: folders for temporary data, and the processes that write to them. A
 * benchmark that ends by itself, or fails, removes its own.
 */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();
const ends = new Set<() => Promise<unknown>>();

/** A new empty folder, gone with this process at the latest. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "statefold-bench-"));
  if (folders.size === 0) process.once("exit", removeAll);
  folders.add(folder);
  return folder;
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, REMOVAL);
  folders.delete(folder);
  if (folders.size === 0) process.off("exit", removeAll);
}

/** @returns to be called when there is nothing to end any more */
export function whenBrokenOff(end: () => Promise<unknown>): () => void {
  ends.add(end);
  return () => void ends.delete(end);
}

/** Ends what runs, then removes the folders; what fails on the way hinders nothing. */
export async function breakOff(): Promise<void> {
  await Promise.allSettled([...ends].map((end) => end()));
  removeAll();
}

// Whoever was killed may not be quite gone.
const REMOVAL = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 } as const;

function removeAll(): void {
  for (const folder of folders) {
    try {
      rmSync(folder, REMOVAL);
    } catch {
      // the others are to go all the same
    }
  }
}
