import assert from "node:assert/strict";
import { test } from "node:test";
import {
  entriesIn,
  entryLister,
  type Lister,
  listPages,
  type SeatLister,
} from "../../src/node/pages.ts";
import type { Entry, ScanRange } from "../../src/store/contract.ts";
import { MemoryStore } from "../../src/store/memory.ts";

const key = (i: number) => Buffer.of(7, i);
const wideKey = (i: number) => Buffer.of(7, i >> 8, i & 255);
const RANGE = { from: Buffer.of(7), until: Buffer.of(8) };

async function storeOf(count: number, valueBytes: number) {
  const store = new MemoryStore();
  const value = new Uint8Array(valueBytes);
  const writes = Array.from({ length: count }, (_, i) => ({ key: key(i), value }));
  await store.commit([...writes, { key: Buffer.of(8, 0), value }], 1);
  const held: number[] = [];
  const scan = async (range: ScanRange): Promise<Entry[]> => {
    const entries = await store.scan(range);
    held.push(entries.reduce((sum, entry) => sum + entry.value.byteLength, 0));
    return entries;
  };
  return { store: Object.assign(Object.create(store) as MemoryStore, { scan }), held };
}

async function keysOf(entries: AsyncIterable<Entry>): Promise<number[]> {
  const found: number[] = [];
  for await (const entry of entries) found.push(entry.key[1] ?? -1);
  return found;
}

test("a list reads what it was asked for, in order, and nothing behind the range", async () => {
  const { store } = await storeOf(5, 1);
  assert.deepEqual(await keysOf(entriesIn(store, RANGE, 3)), [0, 1, 2]);
  assert.deepEqual(await keysOf(entriesIn(store, RANGE, 100)), [0, 1, 2, 3, 4]);
  const rest = { from: key(3), until: RANGE.until };
  assert.deepEqual(await keysOf(entriesIn(store, rest, 100)), [3, 4]);
});

test("however large the values are, only a few MiB are in memory at once", async () => {
  const MIB = 1024 * 1024;
  const { store, held } = await storeOf(6, 3 * MIB);
  assert.deepEqual(await keysOf(entriesIn(store, RANGE, 5)), [0, 1, 2, 3, 4]);
  assert(Math.max(...held) <= 6 * MIB, `${held}`);
});

/** One partition with so many entries, and the sizes of what was read at once. */
async function crowd(count: number) {
  const store = new MemoryStore();
  const value = new Uint8Array(1);
  const writes = Array.from({ length: count }, (_, i) => ({ key: wideKey(i), value }));
  await store.commit(writes, 1);
  const held: number[] = [];
  const scan = async (range: ScanRange): Promise<Entry[]> => {
    const entries = await store.scan(range);
    held.push(entries.length);
    return entries;
  };
  const watched = Object.assign(Object.create(store) as MemoryStore, { scan });
  return { seats: [{ index: 0, store: watched }], held };
}

/** A list of a store, as that of the partition it belongs to. */
const ofSeat =
  <T>(list: Lister<T>): SeatLister<{ readonly store: MemoryStore }, T> =>
  ({ store }, { range, limit, examined }) =>
    list(store, range, limit, examined);

test("where few are meant, STEP_ENTRIES are in memory at once", async () => {
  const { seats, held } = await crowd(4_500);
  const list = entryLister((entry) => (entry.key[2] === 7 ? entry.key[1] : undefined));
  const { items } = await listPages(seats, RANGE, { after: undefined, limit: 100 }, ofSeat(list));
  assert.deepEqual(
    items,
    Array.from({ length: 18 }, (_, i) => i),
  );
  assert.equal(Math.max(...held), 1_000);
});

test("where none is meant, a page ends after EXAMINED_ENTRIES, and the next goes on", async () => {
  const { seats, held } = await crowd(12_000);
  const none = ofSeat(entryLister(() => undefined));
  const query = { after: undefined, limit: 100 };
  const first = await listPages(seats, RANGE, query, none);
  assert.equal(first.items.length, 0);
  assert.equal(
    held.reduce((sum, count) => sum + count, 0),
    10_000,
  );
  const second = await listPages(seats, RANGE, { ...query, after: first.next }, none);
  assert.deepEqual(second, { items: [], next: undefined });
});

test("a page of which few are meant ends after so many entries, and goes on from there", async () => {
  const store = new MemoryStore();
  const long = (i: number) => Buffer.of(7, i >> 8, i & 255);
  const value = new Uint8Array(1);
  await store.commit(
    Array.from({ length: 25_000 }, (_, i) => ({ key: long(i), value })),
    1,
  );
  const seats = [{ index: 0, store }];
  const lister = entryLister(({ key: [, high = 0, low = 0] }) =>
    ((high << 8) | low) % 9_000 === 0 ? (high << 8) | low : undefined,
  );
  const page = (after: string | undefined, limit: number) =>
    listPages(seats, RANGE, { after, limit }, ofSeat(lister));
  const first = await page(undefined, 10);
  const second = await page(first.next, 10);
  const third = await page(second.next, 10);
  assert.deepEqual([first.items, second.items, third.items], [[0, 9_000], [18_000], []]);
  assert.equal(third.next, undefined);
  const one = await page(undefined, 1);
  assert.deepEqual([one.items, (await page(one.next, 1)).items], [[0], [9_000]]);
});
