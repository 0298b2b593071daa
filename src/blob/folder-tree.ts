import { lstat, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StatefoldError } from "../base/errors.ts";
import { isAbsent, systemCode } from "../base/system-error.ts";

/** With those above it, durable. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}

/**
 * Whether the folders above an object are there.
 *
 * @throws StatefoldError BLOB_REFUSED for a link among them
 */
export async function hasParents(root: string, key: string): Promise<boolean> {
  for (const path of parentsOf(root, key)) {
    if ((await kindOf(path)) !== "folder") return false;
  }
  return true;
}

/** @throws StatefoldError BLOB_REFUSED for a link or a file among them */
export async function makeParents(root: string, key: string): Promise<void> {
  for (const path of parentsOf(root, key)) {
    const kind = await kindOf(path);
    if (kind === "other") throw notFolder(path);
    if (kind === "folder") continue;
    await mkdir(path).catch((error: unknown) => {
      if (systemCode(error) !== "EEXIST") throw error;
    });
  }
}

/** All of them: another process may have made one and not synced it yet. */
export async function syncParents(root: string, key: string): Promise<void> {
  for (const path of parentsOf(root, key).reverse()) await syncFolder(path);
  await syncFolder(root);
}

/** Of an object, without the root; the uppermost first. */
function parentsOf(root: string, key: string): string[] {
  const parts = key.split("/");
  return parts.slice(1).map((_, index) => join(root, ...parts.slice(0, index + 1)));
}

async function kindOf(path: string): Promise<"none" | "folder" | "other"> {
  try {
    const stat = await lstat(path);
    if (stat.isSymbolicLink()) throw linked(path);
    return stat.isDirectory() ? "folder" : "other";
  } catch (error) {
    if (isAbsent(error)) return "none";
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  try {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error; // emptied and removed by another
  }
}

function linked(path: string): StatefoldError {
  return new StatefoldError("BLOB_REFUSED", `${path} is a symbolic link, which is not followed`);
}

function notFolder(path: string): StatefoldError {
  return new StatefoldError("BLOB_REFUSED", `${path} is a file where a folder should be`);
}
