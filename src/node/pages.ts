/**
 * Lists over all partitions, a page at a time: partition by partition, each in the order of its keys. The
 * cursor names the partition and the key behind which the next page begins.
 */
import { StatefoldError } from "../base/errors.ts";
import type { Page, PageQuery } from "../gateway/admin-port.ts";
import type { Entry, Store } from "../store/contract.ts";
import type { Partitions } from "./partitions.ts";

export interface KeyRange {
  readonly from: Uint8Array;
  readonly until: Uint8Array;
}

export interface Found<T> {
  readonly item: T;
  /** The next page begins behind this key. */
  readonly key: Uint8Array;
}

/** What one partition has from a key on, as many as asked for; undefined where it has no more. */
export type Lister<T> = (
  store: Store,
  range: KeyRange,
  limit: number,
  partition: number,
) => Promise<readonly Found<T>[]>;

export async function listPages<T>(
  partitions: Partitions,
  range: KeyRange,
  query: PageQuery,
  list: Lister<T>,
): Promise<Page<T>> {
  const cursor = query.after === undefined ? undefined : readCursor(query.after);
  const items: T[] = [];
  for (const host of partitions.hosts) {
    if (cursor !== undefined && host.index < cursor.partition) continue;
    const isCursor = cursor?.partition === host.index;
    const from = isCursor ? Buffer.concat([cursor.key, Buffer.of(0)]) : range.from;
    const { store } = host;
    if (store === undefined) continue;
    const wanted = query.limit - items.length;
    const found = await list(store, { from, until: range.until }, wanted, host.index);
    for (const { item } of found) items.push(item);
    const last = found.at(-1);
    if (items.length >= query.limit && last !== undefined) {
      return { items, next: writeCursor(host.index, last.key) };
    }
  }
  return { items, next: undefined };
}

/** The plain case: each entry is an item. */
export function entryLister<T>(read: (entry: Entry, partition: number) => T): Lister<T> {
  return async (store, range, limit, partition) => {
    const entries = await store.scan({ ...range, limit });
    return entries.map((entry) => ({ item: read(entry, partition), key: entry.key }));
  };
}

function writeCursor(partition: number, key: Uint8Array): string {
  return `${partition}.${Buffer.from(key).toString("base64url")}`;
}

function readCursor(text: string): { partition: number; key: Uint8Array } {
  const match = /^(\d{1,6})\.([A-Za-z0-9_-]*)$/.exec(text);
  if (match === null) throw new StatefoldError("REQUEST_INVALID", "after is not what a page named");
  return { partition: Number(match[1]), key: Buffer.from(match[2] ?? "", "base64url") };
}
