import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { crc32c } from "../../src/base/crc32c.ts";
import { describeError } from "../../src/base/errors.ts";
import { unsnappy } from "../../src/base/snappy.ts";
import { LevelStore } from "../../src/store/level.ts";
import { checkTables, readLevelFiles, TableMemory } from "../../src/store/level-files.ts";
import { deadKey } from "../contracts/store.ts";
import { createRng } from "../support/rng.ts";
import { tempDir } from "../support/temp.ts";

test("crc32c gives the standard's check value, whatever the length", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa); // RFC 3720, B.4
  assert.equal(crc32c(new Uint8Array(0)), 0);
});

test("snappy blocks are unpacked: literals, and copies that overlap", () => {
  const unpack = (hex: string): string => Buffer.from(unsnappy(Buffer.from(hex, "hex"))).toString();
  assert.equal(unpack("0308616263"), "abc");
  assert.equal(unpack("0c086162631503"), "abcabcabcabc"); // a copy of 9 from 3 back, short form
  assert.equal(unpack("0c08616263220300"), "abcabcabcabc"); // the same with two bytes of offset
  assert.equal(unpack("0c0861626323" + "03000000"), "abcabcabcabc"); // and with four
  assert.equal(unpack(`40f03f${"61".repeat(64)}`), "a".repeat(64));
});

test("a snappy block that is not whole is refused", () => {
  for (const hex of ["", "03", "030861", "0308616263616263", "0408616263", "0c0861626322ff00"]) {
    assert.throws(() => unsnappy(Buffer.from(hex, "hex")), RangeError, hex);
  }
});

test("all tables of a large store are checked, compressed or not", async (t) => {
  const dir = join(tempDir(t), "db");
  const rng = createRng(4);
  const store = await LevelStore.open({ dir, create: true, writeBufferBytes: 64 * 1024 });
  for (let epoch = 1; epoch <= 10; epoch++) {
    const writes = Array.from({ length: 100 }, (_, i) => ({
      key: deadKey(epoch, i),
      value: i % 2 === 0 ? Buffer.alloc(500, "compressible") : rng.bytes(500),
    }));
    await store.commit(writes, epoch);
  }
  await store.close();
  await (await LevelStore.open({ dir })).close();
  const tables = readdirSync(dir).filter((name) => name.endsWith(".ldb"));
  assert(tables.length >= 2, `${tables}`);
  await checkTables(await readLevelFiles(dir));
  for (const name of tables) {
    const whole = readFileSync(join(dir, name));
    const bytes = Buffer.from(whole);
    const at = rng.int(bytes.byteLength - 48);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.int(8));
    writeFileSync(join(dir, name), bytes);
    const damage = { code: "STORE_CORRUPT", message: new RegExp(name) };
    await assert.rejects(checkTables(await readLevelFiles(dir)), damage, `byte ${at} of ${name}`);
    writeFileSync(join(dir, name), whole);
  }
  appendFileSync(join(dir, tables[0] ?? ""), "more");
  await assert.rejects(checkTables(await readLevelFiles(dir)), (error: Error) => {
    assert.match(describeError(error), /it has \d+ bytes, where there were \d+/);
    return true;
  });
});

test("tables are checked one after the other in the memory of two", async (t) => {
  const dir = join(tempDir(t), "db");
  const store = await LevelStore.open({ dir, create: true, writeBufferBytes: 64 * 1024 });
  const rng = createRng(4);
  const value = rng.bytes(200_000);
  for (let epoch = 1; epoch <= 100; epoch++) {
    await store.commit([{ key: deadKey(epoch), value }], epoch);
  }
  await store.close();
  await (await LevelStore.open({ dir })).close();
  const files = await readLevelFiles(dir);
  const bytes = files.manifest.tables.map((table) => table.bytes);
  const all = bytes.reduce((sum, each) => sum + each, 0);
  assert(bytes.length > 5 && all > 15_000_000);
  class Watched extends TableMemory {
    readonly sizes: number[] = [];
    override of(wanted: number): Buffer {
      const buffer = super.of(wanted);
      assert.equal(buffer.byteLength, wanted);
      this.sizes.push(buffer.buffer.byteLength);
      return buffer;
    }
  }
  const memories = [new Watched(), new Watched()] as const;
  await checkTables(files, undefined, memories);
  assert.equal(memories[0].sizes.length + memories[1].sizes.length, bytes.length);
  for (const { sizes } of memories) {
    assert(sizes.length >= Math.floor(bytes.length / 2), "one is read while the other is compared");
    assert.equal(new Set(sizes).size, sizes.filter((size, i) => size !== sizes[i - 1]).length);
    assert(Math.max(...sizes) <= Math.max(...bytes));
  }
});

test("a table the manifest does not name is what a kill leaves of a compaction, and no damage", async (t) => {
  const dir = join(tempDir(t), "db");
  const store = await LevelStore.open({ dir, create: true });
  await store.commit([{ key: deadKey(1, 1), value: Buffer.from("x") }], 1);
  await store.close();
  writeFileSync(join(dir, "000999.ldb"), Buffer.alloc(1_000, "half a table"));
  const again = await LevelStore.open({ dir });
  t.after(() => again.close());
  assert.deepEqual(await again.getMany([deadKey(1, 1)]), [Buffer.from("x")]);
});
