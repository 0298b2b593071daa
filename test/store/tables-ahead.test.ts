import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DataDirectory } from "../../src/store/directory.ts";
import { checkTables, readLevelFiles, TableMemory } from "../../src/store/level-files.ts";
import { TablesAhead } from "../../src/store/tables-ahead.ts";
import { deadKey, metaWrite } from "../contracts/store.ts";
import { atEnd } from "../support/cleanup.ts";
import { createRng } from "../support/rng.ts";
import { tempDir } from "../support/temp.ts";

const OPTIONS = { application: "test", partitions: 2 };

/** A data directory of two partitions, with some tables in each. */
async function withTables(t: TestContext): Promise<string> {
  const dir = join(tempDir(t), "data");
  const rng = createRng(4);
  for (const isFilled of [false, true]) {
    const directory = await DataDirectory.open({ dir, ...OPTIONS });
    for (const partition of [0, 1]) {
      const store = await directory.openPartition(partition, { writeBufferBytes: 64 * 1024 });
      for (let epoch = 1; epoch <= 10 && !isFilled; epoch++) {
        const value = rng.bytes(50_000);
        const writes = [1, 2, 3].map((i) => ({ key: deadKey(epoch, i), value }));
        const meta = metaWrite(epoch, { application: "test", partition, partitionCount: 2 });
        await store.commit([...writes, meta], epoch);
      }
    }
    await directory.close();
  }
  return dir;
}

const database = (dir: string, partition: number) => join(dir, "partitions", String(partition));

/** How many tables were read to be compared. */
class Reads extends TableMemory {
  count = 0;
  override of(bytes: number): Buffer {
    this.count++;
    return super.of(bytes);
  }
}

function begin(t: TestContext, dir: string): TablesAhead {
  const ahead = TablesAhead.begin(dir, 1);
  assert(ahead !== undefined);
  atEnd(t, () => ahead.stop());
  return ahead;
}

test("what was compared ahead is passed by, in each database", async (t) => {
  const dir = await withTables(t);
  const ahead = begin(t, dir);
  for (const partition of [0, 1]) {
    const files = await readLevelFiles(database(dir, partition));
    const right = await ahead.take(files.dir);
    assert(right.size >= 2);
    assert.equal(right.size, files.manifest.tables.length);
    const reads = [new Reads(), new Reads()] as const;
    await checkTables(files, right, reads);
    assert.deepEqual([reads[0].count, reads[1].count], [0, 0]);
    await checkTables(files, undefined, reads);
    assert.equal(reads[0].count + reads[1].count, right.size);
  }
});

test("a database is taken at its word once: opened anew, all of it is compared", async (t) => {
  const dir = await withTables(t);
  const ahead = begin(t, dir);
  assert((await ahead.take(database(dir, 0))).size > 0);
  assert.equal((await ahead.take(database(dir, 0))).size, 0);
});

test("a damaged table is refused by whoever opens, with its name", async (t) => {
  const dir = await withTables(t);
  const [name = ""] = readdirSync(database(dir, 1)).filter((each) => each.endsWith(".ldb"));
  const path = join(database(dir, 1), name);
  const bytes = readFileSync(path);
  bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const ahead = begin(t, dir);
  const directory = await DataDirectory.open({ dir, ...OPTIONS, ahead });
  atEnd(t, () => directory.close());
  await directory.openPartition(0);
  const damage = { code: "STORE_CORRUPT", message: new RegExp(name) };
  await assert.rejects(directory.openPartition(1), damage);
});

test("a table that changes after it was compared is compared again", async (t) => {
  const dir = await withTables(t);
  const ahead = begin(t, dir);
  const files = await readLevelFiles(database(dir, 0));
  const right = await ahead.take(files.dir);
  const [name = ""] = readdirSync(files.dir).filter((each) => each.endsWith(".ldb"));
  const path = join(files.dir, name);
  const bytes = readFileSync(path);
  bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const damage = { code: "STORE_CORRUPT", message: new RegExp(name) };
  await assert.rejects(checkTables(files, right), damage);
});

test("a thread that ends before it is done leaves the rest to whoever opens", async (t) => {
  const dir = await withTables(t);
  const ahead = begin(t, dir);
  const taken = ahead.take(database(dir, 1));
  await ahead.stop();
  assert((await taken).size >= 0);
  const directory = await DataDirectory.open({ dir, ...OPTIONS, ahead });
  atEnd(t, () => directory.close());
  const store = await directory.openPartition(1);
  assert.equal((await store.getMany([deadKey(3, 1)]))[0]?.byteLength, 50_000);
});

test("tables of fewer than LEAST_BYTES, or none, are not worth a thread", async (t) => {
  const dir = await withTables(t);
  assert.equal(TablesAhead.begin(dir), undefined);
  assert.equal(TablesAhead.begin(join(dir, "nowhere"), 1), undefined);
});
