/**
 * Examines the data directory of a stopped node: what it holds, and whether it is as it was written and
 * fits together. Not a byte of it changes, and no time of a file: databases are read by readers of our own
 * (LevelDB rewrites what it opens, ends the process on some damage, and believes most of it; a copy would
 * take the disk once more), topics over a file system that keeps changes to itself.
 *
 * Memory does not grow with the data: tables and segments are read a few at a time, and what must agree is
 * compared by fingerprints (pairs.ts). Parked addresses are held, as a node holds them.
 */
import { existsSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type DiskSpace, spaceOf } from "../base/disk-space.ts";
import { StatefoldError } from "../base/errors.ts";
import { type Description, readDescription } from "../store/description.ts";
import { borrowLock } from "../store/directory-lock.ts";
import { corrupt } from "../store/level-errors.ts";
import { compareChannels, compareTopics, egressOf, producerOf } from "./cross-checks.ts";
import { type Finding, Findings, findingOf } from "./finding.ts";
import { type ExaminedPartition, examinePartition } from "./partition.ts";
import { type ExaminedTopic, examineTopics } from "./topics.ts";

export interface Examination {
  /** Absolute. */
  readonly dir: string;
  readonly nowMs: number;
  /** Undefined: `statefold.json` cannot be read, and nothing else was looked at. */
  readonly description: Description | undefined;
  readonly disk: DiskSpace & { readonly usedBytes: number };
  readonly partitions: readonly ExaminedPartition[];
  readonly topics: readonly ExaminedTopic[];
  readonly findings: readonly Finding[];
  /** Nothing but notes was found. */
  readonly isHealthy: boolean;
}

/** Below it a node has little time left. */
const LOW_DISK_BYTES = 256 * 1024 * 1024;

/**
 * @throws StatefoldError STORE_LOCKED while a node uses the directory, STORE_FOREIGN when it is none, and
 *   CONFIG_INVALID when the machine refuses to read it
 */
export async function examine(directory: string, nowMs: number): Promise<Examination> {
  const dir = resolve(directory);
  await refuseOther(dir);
  const lock = await borrowLock(join(dir, "lock"));
  try {
    return await examineHeld(dir, nowMs);
  } finally {
    await lock?.release();
  }
}

async function examineHeld(dir: string, nowMs: number): Promise<Examination> {
  const findings = new Findings();
  const description = await describe(dir, findings);
  const partitions: ExaminedPartition[] = [];
  let topics: ExaminedTopic[] = [];
  if (description !== undefined) {
    const { application, partitions: partitionCount } = description;
    for (let partition = 0; partition < partitionCount; partition++) {
      const input = { dir, application, partition, partitionCount, nowMs, findings };
      partitions.push(await examinePartition(input));
    }
    topics = await examineTopics(dir, producersOf(partitions), findings);
    compareChannels(partitions, findings);
    compareTopics(partitions, topics, findings);
  }
  const disk = { usedBytes: await bytesBelow(dir), ...(await spaceOf(dir)) };
  if (disk.freeBytes < LOW_DISK_BYTES) findings.add(lowDisk(disk.freeBytes));
  const list = findings.list();
  const isHealthy = list.every(({ kind }) => kind === "note");
  return { dir, nowMs, description, disk, partitions, topics, findings: list, isHealthy };
}

async function refuseOther(dir: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    if (!existsSync(dir)) throw foreign(dir, "there is nothing at this path");
    throw new StatefoldError("CONFIG_INVALID", `${dir} cannot be read`, { cause: error });
  }
  if (names.includes("statefold.json") || names.includes("partitions")) return;
  throw foreign(dir, "it has no statefold.json");
}

const foreign = (dir: string, why: string): StatefoldError =>
  new StatefoldError(
    "STORE_FOREIGN",
    `${dir} is no data directory: ${why}. Give the directory that "statefold run --data" was given`,
  );

async function describe(dir: string, findings: Findings): Promise<Description | undefined> {
  const path = join(dir, "statefold.json");
  try {
    const description = await readDescription(path);
    if (description === undefined) throw corrupt(dir, `${path} is missing`);
    return description;
  } catch (error) {
    findings.add(findingOf("statefold.json", error));
    return undefined;
  }
}

function producersOf(partitions: readonly ExaminedPartition[]): string[] {
  return partitions.flatMap(({ partition, census }) =>
    [...(census?.positions.keys() ?? [])].flatMap((name) => {
      const egress = name.startsWith("outbox:") ? egressOf(name.slice(7)) : undefined;
      return egress === undefined ? [] : [producerOf(egress, partition)];
    }),
  );
}

async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? await bytesBelow(path) : (await lstat(path)).size;
  }
  return bytes;
}

function lowDisk(freeBytes: number): Finding {
  return {
    kind: "note",
    where: "disk",
    what: `${Math.floor(freeBytes / 2 ** 20)} MiB are free`,
    means:
      "When the disk is full the node ends with STORE_WRITE_FAILED; nothing acknowledged is lost.",
    advice: "Make room, or move the directory whole to a larger disk while no node uses it.",
  };
}
