import assert from "node:assert/strict";
import { test } from "node:test";
import { entriesIn } from "../../src/node/pages.ts";
import type { Entry, ScanRange } from "../../src/store/contract.ts";
import { MemoryStore } from "../../src/store/memory.ts";

const key = (i: number) => Buffer.of(7, i);
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
