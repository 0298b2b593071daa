import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/statefold/", import.meta.url));

/**
 * A folder of things that take long to download or to build, kept under `node_modules/.cache` from run to
 * run, and made anew when one of the files it is made from has changed. Several test processes may
 * ask at once: whoever is done first puts the folder in its place.
 *
 * @param name a part of the folder's name
 * @param sources the files it is made from, or other words that it depends on
 * @param make fills an empty folder; when it fails there is none
 */
export async function madeOnce(
  name: string,
  sources: { readonly files: readonly string[]; readonly words?: readonly string[] },
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const file of sources.files) hash.update(readFileSync(file)).update("\0");
  for (const word of sources.words ?? []) hash.update(word).update("\0");
  const home = join(CACHE, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(home)) return home;
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(join(CACHE, `${name}-draft-`));
  try {
    await make(draft);
    renameSync(draft, home);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(home)) throw error;
  }
  return home;
}
