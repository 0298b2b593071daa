import { closeSync, fstatSync, openSync, read, statSync } from "node:fs";
import { open, readdir, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { assert } from "../base/assert.ts";
import { describeError } from "../base/errors.ts";
import { systemCode } from "../base/system-error.ts";
import { syncFolder, writeFileAtomically } from "./atomic-file.ts";
import { type LevelBatch, readLevelBatch } from "./level-batch.ts";
import { corrupt } from "./level-errors.ts";
import { readLevelLog } from "./level-log.ts";
import { type Manifest, readManifest, type TableEntry } from "./level-manifest.ts";
import { LevelTable } from "./level-table.ts";

/**
 * One LevelDB's directory, read from outside and without a change to it. LevelDB itself rewrites what it
 * opens, believes a log that lost its middle or its end, and compares no checksum of its tables; so
 * level.ts looks here first, and the doctor looks nowhere else.
 *
 *   CURRENT          the manifest's name, LF
 *   MANIFEST-<n>     which tables and logs there are: level-manifest.ts
 *   <n>.log          commits that are in no table yet: level-log.ts, level-batch.ts
 *   <n>.ldb          level-table.ts
 */
export interface LevelFiles {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly logs: readonly LogFile[];
}

export interface LogFile {
  readonly path: string;
  readonly number: number;
  /** What can be believed: up to the first thing that is not as it was written, in any log. */
  readonly batches: readonly LevelBatch[];
  readonly stop: DatabaseStop | undefined;
}

export interface DatabaseStop {
  /** Byte of the file. */
  readonly at: number;
  readonly what: string;
  /**
   * Something that was synced is gone for certain. False: it may be the torn end of a commit that never
   * finished; whether it is, the witness knows.
   */
  readonly isDamage: boolean;
}

/** @throws StatefoldError STORE_CORRUPT when CURRENT or the manifest does not say what there is */
export async function readLevelFiles(dir: string): Promise<LevelFiles> {
  const manifest = await readManifestOf(dir);
  const numbers = (await readdir(dir))
    .map((name) => Number(/^(\d+)\.log$/.exec(name)?.[1] ?? Number.NaN))
    .filter((number) => number >= manifest.logNumber)
    .sort((a, b) => a - b);
  if (numbers[0] !== manifest.logNumber && manifest.logNumber > 0) {
    numbers.unshift(manifest.logNumber);
  }
  const logs: LogFile[] = [];
  let expected: Expected = { sequence: manifest.lastSequence + 1, isExact: false };
  for (const [i, number] of numbers.entries()) {
    const log = await readLogFile(dir, number, expected, numbers.slice(i + 1));
    logs.push(log);
    const last = log.batches.at(-1);
    if (last !== undefined) {
      expected = { sequence: last.sequence + last.writes.length, isExact: true };
    }
    if (log.stop !== undefined) break;
  }
  return { dir, manifest, logs };
}

/** The first place in its logs where it stops being what was written. */
export function stopOf(files: LevelFiles): (DatabaseStop & { readonly path: string }) | undefined {
  const log = files.logs.find(({ stop }) => stop !== undefined);
  return log?.stop === undefined ? undefined : { ...log.stop, path: log.path };
}

/** @throws as {@link readLevelFiles} */
export async function readManifestOf(dir: string): Promise<Manifest> {
  const current = join(dir, "CURRENT");
  const name = await readOrUndefined(current);
  if (name === undefined) {
    throw corrupt(dir, `there is no store in ${dir}: its file CURRENT is missing`);
  }
  const [, manifestName] = /^(MANIFEST-\d+)\n$/.exec(name.toString("latin1")) ?? [];
  if (manifestName === undefined) throw corrupt(dir, `${current} is damaged: it names no manifest`);
  const path = join(dir, manifestName);
  const bytes = await readOrUndefined(path);
  if (bytes === undefined) throw corrupt(dir, `${path} is missing, which ${current} names`);
  const { records, stop } = readLevelLog(bytes);
  // The end of an edit that was never finished counts for nothing, here as for LevelDB.
  if (stop?.laterAt !== undefined) {
    throw corrupt(dir, `${path} is damaged at byte ${stop.at}: ${stop.what}`);
  }
  try {
    return readManifest(records.map((record) => record.bytes));
  } catch (error) {
    throw corrupt(dir, `${path} is damaged`, { cause: error });
  }
}

interface Expected {
  readonly sequence: number;
  /** False: or lower, since the manifest counts also what came after it. */
  readonly isExact: boolean;
}

async function readLogFile(
  dir: string,
  number: number,
  first: Expected,
  later: readonly number[],
): Promise<LogFile> {
  const path = logPath(dir, number);
  const file = await readOrUndefined(path);
  if (file === undefined) {
    const what = "the log is missing";
    return { path, number, batches: [], stop: { at: 0, what, isDamage: true } };
  }
  const { records, stop } = readLevelLog(file);
  const batches: LevelBatch[] = [];
  let expected = first;
  for (const { at, bytes } of records) {
    const batch = batchOrReason(bytes, expected);
    if (typeof batch === "string") {
      return { path, number, batches, stop: { at, what: batch, isDamage: true } };
    }
    batches.push(batch);
    expected = { sequence: batch.sequence + batch.writes.length, isExact: true };
  }
  if (stop === undefined) return { path, number, batches, stop };
  const { at, laterAt } = stop;
  // A next log is written to only after the last commit to this one was synced. An empty one is what a
  // start leaves that was killed.
  const laterLog = await firstWithBytes(later.map((each) => logPath(dir, each)));
  const isDamage = laterAt !== undefined || laterLog !== undefined;
  const proof = laterAt === undefined ? laterLog : `what stands at byte ${laterAt}`;
  const what = isDamage ? `${stop.what}, though ${proof} was written after it` : stop.what;
  return { path, number, batches, stop: { at, what, isDamage } };
}

function batchOrReason(bytes: Uint8Array, expected: Expected): LevelBatch | string {
  let batch: LevelBatch;
  try {
    batch = readLevelBatch(bytes);
  } catch (error) {
    return `a commit cannot be read: ${describeError(error)}`;
  }
  const { sequence } = batch;
  const isNext = expected.isExact ? sequence === expected.sequence : sequence <= expected.sequence;
  return isNext ? batch : `the commit from write ${expected.sequence} on is missing`;
}

/**
 * Compares every checksum of every table.
 *
 * @param ahead of tables that were found to be right already, as {@link nameTable} calls them
 * @throws StatefoldError STORE_CORRUPT naming the table that is missing, damaged or another one
 */
export async function checkTables(
  { dir, manifest }: LevelFiles,
  ahead: ReadonlySet<string> = new Set(),
  memories?: TableMemories,
): Promise<void> {
  const isRight = (entry: TableEntry): boolean => {
    const name = ahead.size === 0 ? undefined : nameTable(dir, entry);
    return name !== undefined && ahead.has(name);
  };
  const left = manifest.tables.filter((entry) => !isRight(entry));
  for await (const { path, problem } of comparedTables(dir, left, memories)) {
    if (problem === undefined) continue;
    if (isRefusal(problem)) throw problem;
    throw corrupt(dir, `the table ${path} is damaged`, { cause: problem });
  }
}

/** A table as it lies there: what the manifest says of it, and its file. Undefined: it does not. */
export function nameTable(dir: string, entry: TableEntry): string | undefined {
  const { number, bytes, smallest, largest } = entry;
  const file = statSync(tablePath(dir, number), { bigint: true, throwIfNoEntry: false });
  if (file === undefined) return undefined;
  const keys = [smallest, largest].map((key) => Buffer.from(key).toString("base64"));
  const { dev, ino, size, mtimeNs, ctimeNs } = file;
  return [number, bytes, ...keys, dev, ino, size, mtimeNs, ctimeNs].join(" ");
}

const readPart = promisify(read);

/** Where one is read while the one before it is compared. */
export type TableMemories = readonly [TableMemory, TableMemory];

export interface ComparedTable {
  readonly entry: TableEntry;
  readonly path: string;
  /** Why it is not what was written; undefined: every checksum holds. */
  readonly problem: unknown;
}

/** Tables of a database, compared one after the other. Never rejects for damage. */
export async function* comparedTables(
  dir: string,
  tables: readonly TableEntry[],
  memories: TableMemories = [new TableMemory(), new TableMemory()],
): AsyncGenerator<ComparedTable> {
  const begin = (i: number): Promise<TableFile> | undefined => {
    const entry = tables[i];
    return entry && readTableFile(dir, entry, memories[i % 2 === 0 ? 0 : 1]);
  };
  let next = begin(0);
  try {
    for (const [i, entry] of tables.entries()) {
      const file = await next;
      assert(file !== undefined, "a table is read before it is compared");
      next = begin(i + 1);
      const { smallest, largest } = entry;
      const { path, problem } = tableIn(file, (table) => table.check(smallest, largest));
      yield { entry, path, problem };
    }
  } finally {
    await next; // its descriptor is closed
  }
}

function tablePath(dir: string, number: number): string {
  return join(dir, `${String(number).padStart(6, "0")}.ldb`);
}

/** The machine refuses, which says nothing about the table. */
function isRefusal(problem: unknown): boolean {
  const code = problem instanceof Error && "code" in problem ? problem.code : undefined;
  return code !== undefined && code !== "ENOENT" && code !== "EIO";
}

export interface ReadTable {
  readonly path: string;
  readonly table: LevelTable | undefined;
  /** Why there is none. */
  readonly problem: unknown;
}

/**
 * Where tables are read to that are done with when the next one is: a start reads all of them, and what each
 * would leave behind is collected late, since it lies outside the heap.
 */
export class TableMemory {
  #bytes = Buffer.alloc(0);

  /** Of just this size; what was read before is overwritten. */
  of(bytes: number): Buffer {
    if (this.#bytes.byteLength < bytes) this.#bytes = Buffer.allocUnsafeSlow(bytes);
    return this.#bytes.subarray(0, bytes);
  }
}

/**
 * A table that is there, as long as it was, and passes `check`. Never rejects for damage.
 *
 * @param memory the table is a view of it. Default: of its own
 */
export async function readTable(
  dir: string,
  entry: TableEntry,
  check: (table: LevelTable) => void = () => undefined,
  memory = new TableMemory(),
): Promise<ReadTable> {
  return tableIn(await readTableFile(dir, entry, memory), check);
}

interface TableFile {
  readonly path: string;
  readonly bytes: Buffer | undefined;
  /** Why there are none. */
  readonly problem: unknown;
}

function tableIn(file: TableFile, check: (table: LevelTable) => void): ReadTable {
  const { path, bytes, problem } = file;
  if (bytes === undefined) return { path, table: undefined, problem };
  try {
    const table = new LevelTable(bytes);
    check(table);
    return { path, table, problem: undefined };
  } catch (error) {
    return { path, table: undefined, problem: error };
  }
}

/** Never rejects. */
async function readTableFile(
  dir: string,
  { number, bytes: expected }: TableEntry,
  memory: TableMemory,
): Promise<TableFile> {
  const path = tablePath(dir, number);
  try {
    return { path, bytes: await readWhole(path, expected, memory), problem: undefined };
  } catch (error) {
    // Tables once had another ending.
    const older = path.replace(/ldb$/, "sst");
    if (systemCode(error) !== "ENOENT" || !(await exists(older))) {
      return { path, bytes: undefined, problem: error };
    }
    return await readWhole(older, expected, memory).then(
      (bytes) => ({ path: older, bytes, problem: undefined }),
      (problem: unknown) => ({ path: older, bytes: undefined, problem }),
    );
  }
}

async function readWhole(path: string, expected: number, memory: TableMemory): Promise<Buffer> {
  // At once: so all of the reading is under way before the thread turns to the table before it.
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    if (size !== expected) {
      throw new RangeError(`it has ${size} bytes, where there were ${expected}`);
    }
    const bytes = memory.of(size);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await readPart(file, bytes, at, size - at, at);
      if (bytesRead === 0) throw new RangeError(`it ends after ${at} bytes`);
      at += bytesRead;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

/**
 * Cuts the database off where its logs stop being what was written, so that it ends at a commit: LevelDB
 * would leave out what is damaged and take what came after it. What is cut off is kept beside it.
 *
 * @throws StatefoldError STORE_WRITE_FAILED
 */
export async function cutLogs(files: LevelFiles): Promise<void> {
  const stop = stopOf(files);
  if (stop === undefined) return;
  const first = files.logs.find(({ path }) => path === stop.path)?.number ?? 0;
  for (const name of await readdir(files.dir)) {
    const number = Number(/^(\d+)\.log$/.exec(name)?.[1] ?? Number.NaN);
    if (!(number > first)) continue;
    await rename(join(files.dir, name), join(files.dir, `${name}.damaged`));
  }
  const whole = await readOrUndefined(stop.path);
  if (whole !== undefined) {
    await writeFileAtomically(`${stop.path}.damaged`, whole);
    const file = await open(stop.path, "r+");
    try {
      await file.truncate(stop.at);
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await syncFolder(files.dir);
}

async function firstWithBytes(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await stat(path)).size > 0) return path;
  return undefined;
}

function logPath(dir: string, number: number): string {
  return join(dir, `${String(number).padStart(6, "0")}.log`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readOrUndefined(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
