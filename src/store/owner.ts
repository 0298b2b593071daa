import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { StatefoldError } from "../base/errors.ts";
import { systemCode } from "../base/system-error.ts";
import { writeFileAtomically } from "./atomic-file.ts";

/**
 * Which database this is: a random name, given once, that stands in a file beside LevelDB's and in the
 * witness, and is part of the checksum of every value. So a database of another data directory is not
 * believed in this place, nor is a file of it among those of this one.
 *
 *   OWNER = name LF        32 hexadecimal digits
 */
export type OwnerName = string;

export const OWNER_FILE = "OWNER";

export function newOwner(): OwnerName {
  return randomBytes(16).toString("hex");
}

export function isOwner(text: string): text is OwnerName {
  return /^[0-9a-f]{32}$/.test(text);
}

/** What the name adds to checksums. */
export function saltOf(owner: OwnerName): number {
  return crc32(owner);
}

export async function writeOwner(dir: string, owner: OwnerName): Promise<void> {
  await writeFileAtomically(join(dir, OWNER_FILE), `${owner}\n`);
}

/** @returns undefined when the file is missing or damaged */
export async function readOwner(dir: string): Promise<OwnerName | undefined> {
  try {
    const [name = "", ...rest] = (await readFile(join(dir, OWNER_FILE), "utf8")).split("\n");
    return isOwner(name) && rest.join("") === "" ? name : undefined;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** @throws StatefoldError STORE_FOREIGN when database and witness do not belong together, STORE_CORRUPT */
export function checkOwner(dir: string, found: OwnerName | undefined, wanted: OwnerName): void {
  if (found === wanted) return;
  if (found !== undefined) {
    throw new StatefoldError(
      "STORE_FOREIGN",
      `${dir} holds the database of another data directory, or its witness is another's. Put back the folder and the witness that were here`,
    );
  }
  throw new StatefoldError(
    "STORE_CORRUPT",
    `${join(dir, OWNER_FILE)} is missing or damaged, which says whose the database is. Restore it, or start once with --accept-loss to believe the witness about it`,
  );
}
