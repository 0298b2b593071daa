import { readFile } from "node:fs/promises";
import { StatefoldError } from "../base/errors.ts";
import { systemCode } from "../base/system-error.ts";
import { writeFileAtomically } from "./atomic-file.ts";
import { FORMAT_VERSION } from "./format.ts";
import { classifyFileError, corrupt } from "./level-errors.ts";

/** The folder of a data directory in which its partitions are, each in one by its number. */
export const PARTITIONS = "partitions";

/** What `statefold.json` says about its directory. */
export interface Description {
  readonly formatVersion: number;
  readonly application: string;
  /** How many partitions: it decides which one an id belongs to, so it stays. */
  readonly partitions: number;
  readonly createdAtMs: number;
  /** Undefined: it began empty. */
  readonly origin?: Origin | undefined;
}

/** The snapshot that a directory was made from. */
export interface Origin {
  readonly snapshot: string;
  /** Whose snapshot it was: another's name makes this a fork. */
  readonly application: string;
  /** Whose numbers its outboxes give, as egresses know it: a restore goes on with them, a fork has its own. */
  readonly numbers: string;
}

/** @throws StatefoldError STORE_CORRUPT when the file cannot be understood; undefined when there is none */
export async function readDescription(path: string): Promise<Description | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw classifyFileError(error, path);
  }
  let parsed: Partial<Record<keyof Description, unknown>>;
  try {
    parsed = JSON.parse(text) ?? {};
  } catch (error) {
    throw corrupt(path, `${path} is not JSON`, { cause: error });
  }
  const { formatVersion, application, partitions, createdAtMs, origin } = parsed;
  // The version first: what else a newer version says, it says in its own way.
  if (isCount(formatVersion) && formatVersion !== FORMAT_VERSION)
    throw otherFormat(path, formatVersion);
  if (!isCount(formatVersion) || !isCount(partitions) || !isCount(createdAtMs)) {
    throw corrupt(path, `${path} lacks formatVersion, partitions or createdAtMs`);
  }
  if (typeof application !== "string") throw corrupt(path, `${path} lacks application`);
  const known = { formatVersion, application, partitions, createdAtMs };
  return origin === undefined ? known : { ...known, origin: originFrom(path, origin) };
}

function originFrom(path: string, origin: unknown): Origin {
  const { snapshot, application, numbers } = (origin ?? {}) as Partial<
    Record<keyof Origin, unknown>
  >;
  const isWhole =
    typeof snapshot === "string" && typeof application === "string" && typeof numbers === "string";
  if (!isWhole) throw corrupt(path, `${path}: its origin lacks snapshot, application or numbers`);
  return { snapshot, application, numbers };
}

export function writeDescription(path: string, description: Description): Promise<void> {
  return writeFileAtomically(path, `${JSON.stringify(description, undefined, 2)}\n`);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function otherFormat(path: string, found: number): StatefoldError {
  const advice =
    found > FORMAT_VERSION
      ? "a newer statefold wrote it: run that version or a later one"
      : "an older statefold wrote it: run that version, or begin with an empty directory";
  return new StatefoldError(
    "STORE_FORMAT",
    `${path} is in format ${found}, this version reads format ${FORMAT_VERSION}; ${advice}`,
  );
}
