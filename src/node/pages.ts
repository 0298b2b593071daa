/**
 * Lists over all partitions, a page at a time: partition by partition, each in the order of its keys. The
 * cursor names the partition and the key behind which the next page begins.
 */
import { StatefoldError } from "../base/errors.ts";
import type { Page, PageQuery } from "../gateway/admin-port.ts";
import type { Entry, Store } from "../store/contract.ts";

/** What a list reads at once; values may be large, and a page needs little of them. */
const READ_BYTES = 4 * 1024 * 1024;
/** Entries that one page looks through, when few of them are meant: it ends there, with what it found. */
const EXAMINED_ENTRIES = 10_000;
/** Of them read at once, when some may not be meant. */
export const STEP_ENTRIES = 1_000;

export interface KeyRange {
  readonly from: Uint8Array;
  readonly until: Uint8Array;
}

export interface Found<T> {
  /** Undefined: it was looked at, and is not meant. */
  readonly item: T | undefined;
  /** The next page begins behind this key. */
  readonly key: Uint8Array;
}

/**
 * What a part of a store has in a range, in order, until `limit` items were found or `examined` entries were
 * looked at; fewer where it has no more.
 */
export type Lister<T> = (
  store: Store,
  range: KeyRange,
  limit: number,
  examined: number,
) => Promise<readonly Found<T>[]>;

/** The same of a partition. */
export type SeatLister<S, T> = (
  seat: S,
  part: { readonly range: KeyRange; readonly limit: number; readonly examined: number },
) => Promise<readonly Found<T>[]>;

/** @throws StatefoldError REQUEST_INVALID for a cursor of another list, UNAVAILABLE while a partition is down */
export async function listPages<S extends { readonly index: number }, T>(
  seats: readonly S[],
  range: KeyRange,
  query: PageQuery,
  list: SeatLister<S, T>,
): Promise<Page<T>> {
  const cursor = query.after === undefined ? undefined : readCursor(query.after, range);
  const items: T[] = [];
  let left = EXAMINED_ENTRIES;
  for (const seat of seats) {
    if (cursor !== undefined && seat.index < cursor.partition) continue;
    const from = cursor?.partition === seat.index ? behind(cursor.key) : range.from;
    const rest = { from, until: range.until };
    const limit = query.limit - items.length;
    const found = await list(seat, { range: rest, limit, examined: left });
    for (const { item } of found) if (item !== undefined) items.push(item);
    left -= found.length;
    const last = found.at(-1);
    if ((items.length >= query.limit || left <= 0) && last !== undefined) {
      return { items, next: writeCursor(seat.index, last.key) };
    }
  }
  return { items, next: undefined };
}

/** The plain case: each entry is an item, or is not meant. */
export function entryLister<T>(read: (entry: Entry) => T | undefined): Lister<T> {
  return async (store, range, limit, examined) => {
    const found: Found<T>[] = [];
    let left = limit;
    for await (const entry of entriesIn(store, range, examined, STEP_ENTRIES)) {
      const item = read(entry);
      found.push({ item, key: entry.key });
      if (item !== undefined && --left === 0) break;
    }
    return found;
  };
}

/** The first entries of a range, of which only `step`, and a few MiB, are in memory at once. */
export async function* entriesIn(
  store: Store,
  range: KeyRange,
  limit: number,
  step = limit,
): AsyncGenerator<Entry> {
  let { from } = range;
  for (let left = limit; left > 0; ) {
    const entries = await store.scan({
      ...{ from, until: range.until, limit: Math.min(left, step), maxBytes: READ_BYTES },
    });
    const last = entries.at(-1);
    if (last === undefined) return;
    left -= entries.length;
    from = behind(last.key);
    yield* entries;
  }
}

/** The first key that can follow. */
function behind(key: Uint8Array): Uint8Array {
  return Buffer.concat([key, Buffer.of(0)]);
}

function writeCursor(partition: number, key: Uint8Array): string {
  return `${partition}.${Buffer.from(key).toString("base64url")}`;
}

function readCursor(text: string, range: KeyRange): { partition: number; key: Uint8Array } {
  const [, partition, encoded = ""] = /^(\d{1,6})\.([A-Za-z0-9_-]+)$/.exec(text) ?? [];
  const key = Buffer.from(encoded, "base64url");
  const isInside = Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.until) < 0;
  if (partition === undefined || !isInside) {
    throw new StatefoldError("REQUEST_INVALID", "after= is not the next= of a page of this list");
  }
  return { partition: Number(partition), key };
}
