import { Heap } from "../base/heap.ts";
import { corrupt } from "./level-errors.ts";
import { type LevelFiles, readTable } from "./level-files.ts";
import type { TableEntry } from "./level-manifest.ts";
import { splitInternal, type TableWrite } from "./level-table.ts";

/** Entries handed over at once. */
const PAGE = 1_000;

export interface SealedEntry {
  readonly key: Uint8Array;
  /** As it stands in the file: seal.ts. */
  readonly sealed: Uint8Array;
}

/** One run of writes, in order: a table, or what the logs hold. Tables are read when their turn comes. */
interface Run {
  next: TableWrite;
  rest: () => Promise<Iterator<TableWrite>>;
}

export interface EntriesOptions {
  /** Keys from `from` (included) up to `until` (excluded). Default: all. */
  readonly from?: Uint8Array;
  readonly until?: Uint8Array;
  /** Told of a table that cannot be read; what it held is left out. Default: it is thrown. */
  readonly onDamage?: (path: string, problem: unknown) => void;
}

/**
 * What the database holds, in order of its keys: all logs and tables merged, the latest write of each key.
 *
 * In memory are the logs and the tables that overlap where it is: one for each level and the newest, some
 * 2 MiB each, or as large as one value.
 *
 * @throws StatefoldError STORE_CORRUPT
 */
export async function* entriesIn(
  files: LevelFiles,
  options: EntriesOptions = {},
): AsyncGenerator<readonly SealedEntry[]> {
  const { from, until } = options;
  const runs = runsOf(files, options);
  let page: SealedEntry[] = [];
  let last: Uint8Array | undefined;
  for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
    const { next } = run;
    if (isBehind(next.key, until)) break;
    const rest = await run.rest();
    const isNew = last === undefined || Buffer.compare(last, next.key) !== 0;
    // A run that was not read yet stands for its smallest key, without a value: it comes again.
    if (isNew && !isUnread(next)) {
      last = next.key;
      if (next.value !== undefined && !isBefore(next.key, from))
        page.push({ key: next.key, sealed: next.value });
      if (page.length === PAGE) {
        yield page;
        page = [];
      }
    }
    const following = rest.next();
    if (!following.done) runs.push({ next: following.value, rest: async () => rest });
  }
  if (page.length > 0) yield page;
}

function runsOf(files: LevelFiles, options: EntriesOptions): Heap<Run> {
  const { from, until, onDamage = damageIn(files.dir) } = options;
  const runs = new Heap<Run>((a, b) => compare(a.next, b.next) < 0);
  for (const table of files.manifest.tables) {
    const [first, end] = [splitInternal(table.smallest).key, splitInternal(table.largest).key];
    if (isBefore(end, from) || isBehind(first, until)) continue;
    runs.push(tableRun(files.dir, table, onDamage));
  }
  const log = logWrites(files, from, until)[Symbol.iterator]();
  const first = log.next();
  if (!first.done) runs.push({ next: first.value, rest: async () => log });
  return runs;
}

function damageIn(dir: string): NonNullable<EntriesOptions["onDamage"]> {
  return (path, problem) => {
    throw corrupt(dir, `the table ${path} is damaged`, { cause: problem });
  };
}

function isBefore(key: Uint8Array, from: Uint8Array | undefined): boolean {
  return from !== undefined && Buffer.compare(key, from) < 0;
}

function isBehind(key: Uint8Array, until: Uint8Array | undefined): boolean {
  return until !== undefined && Buffer.compare(key, until) >= 0;
}

const UNREAD = Number.POSITIVE_INFINITY;
const isUnread = (write: TableWrite): boolean => write.sequence === UNREAD;

function tableRun(
  dir: string,
  entry: TableEntry,
  onDamage: (path: string, problem: unknown) => void,
): Run {
  const { key } = splitInternal(entry.smallest);
  const rest = async (): Promise<Iterator<TableWrite>> => {
    const { path, table, problem } = await readTable(dir, entry, (whole) => {
      whole.check(entry.smallest, entry.largest);
    });
    if (table !== undefined) return table.writes();
    onDamage(path, problem);
    return [][Symbol.iterator]();
  };
  return { next: { key, sequence: UNREAD, value: undefined }, rest };
}

/** The writes of all logs that are wanted, sorted. */
function logWrites(
  files: LevelFiles,
  from: Uint8Array | undefined,
  until: Uint8Array | undefined,
): TableWrite[] {
  const writes: TableWrite[] = [];
  for (const { batches } of files.logs) {
    for (const batch of batches) {
      batch.writes.forEach(({ key, value }, i) => {
        if (isBefore(key, from) || isBehind(key, until)) return;
        writes.push({ key, value, sequence: batch.sequence + i });
      });
    }
  }
  return writes.sort(compare);
}

/** By key; the latest write of a key first. */
function compare(a: TableWrite, b: TableWrite): number {
  return Buffer.compare(a.key, b.key) || b.sequence - a.sequence;
}
