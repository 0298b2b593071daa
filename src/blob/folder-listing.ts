import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isAbsent } from "../base/system-error.ts";
import type { BlobEntry } from "./contract.ts";
import { tagOf } from "./folder-tag.ts";
import { isKey } from "./key.ts";

/**
 * The files below a folder in the order of their keys, a folder's names in memory at a time. What has no key
 * (hidden files, links, what others have put there) is passed over.
 */
export async function* listFiles(
  root: string,
  prefix: string,
  after: string,
  folder = "",
): AsyncGenerator<BlobEntry> {
  for (const name of await namesIn(join(root, folder))) {
    const key = folder + name;
    if (name.endsWith("/")) {
      const mayMatch = key.startsWith(prefix) || prefix.startsWith(key);
      const isBefore = key < after && !after.startsWith(key);
      if (mayMatch && !isBefore) yield* listFiles(root, prefix, after, key);
    } else if (key.startsWith(prefix) && key > after) {
      const entry = await entryOf(root, key);
      if (entry !== undefined) yield entry;
    }
  }
}

/** Folders with a "/" behind them, so that their order is that of the keys: "a.b" before "a/b". */
async function namesIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => (entry.isFile() || entry.isDirectory()) && isKey(entry.name))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort((a, b) => (a < b ? -1 : 1));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function entryOf(root: string, key: string): Promise<BlobEntry | undefined> {
  try {
    const stat = await lstat(join(root, key), { bigint: true });
    if (!stat.isFile()) return undefined;
    return { key, size: Number(stat.size), tag: tagOf(stat), modifiedMs: Number(stat.mtimeMs) };
  } catch (error) {
    if (isAbsent(error)) return undefined; // deleted meanwhile
    throw error;
  }
}
