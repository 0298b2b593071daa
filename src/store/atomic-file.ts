import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { StatefoldError } from "../base/errors.ts";

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
