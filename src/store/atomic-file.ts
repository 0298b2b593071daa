import { open, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StatefoldError } from "../base/errors.ts";
import { systemCode } from "../base/system-error.ts";

/**
 * The whole file or what was there before, whatever crashes: written beside it, synced, renamed over
 * it, and the folder synced, so that the name is durable too. One writer at a time per path.
 *
 * @throws StatefoldError STORE_WRITE_FAILED
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
): Promise<void> {
  try {
    const temporary = `${path}.tmp`;
    const file = await open(temporary, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    const text = `the disk refused a write to ${path}`;
    throw new StatefoldError("STORE_WRITE_FAILED", text, { cause: error });
  }
}

/**
 * Makes durable what others wrote to the files of a folder that have such a name; one that goes meanwhile is left out.
 *
 * @throws StatefoldError STORE_WRITE_FAILED
 */
export async function syncNamed(
  folder: string,
  isWanted: (name: string) => boolean,
): Promise<void> {
  try {
    for (const name of await readdir(folder)) {
      if (isWanted(name)) await syncIfThere(join(folder, name));
    }
    await syncFolder(folder);
  } catch (error) {
    const text = `the disk refused to keep what was written to ${folder}`;
    throw new StatefoldError("STORE_WRITE_FAILED", text, { cause: error });
  }
}

async function syncIfThere(path: string): Promise<void> {
  try {
    const file = await open(path, "r+");
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}

/** Makes the names in a folder durable. Windows cannot open one and needs no such call. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
