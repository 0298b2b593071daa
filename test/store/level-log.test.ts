import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { LevelStore } from "../../src/store/level.ts";
import { readLevelBatch } from "../../src/store/level-batch.ts";
import { readLevelLog } from "../../src/store/level-log.ts";
import { unseal } from "../../src/store/seal.ts";
import { deadKey } from "../contracts/store.ts";
import { createRng } from "../support/rng.ts";
import { tempDir } from "../support/temp.ts";

/** A log that LevelDB wrote: one commit of each of these sizes, so that some are in several pieces. */
const SIZES = [10, 32_700, 5, 100_000, 32_740, 0, 70_000, 20];

async function logOf(t: TestContext): Promise<Buffer> {
  const dir = join(tempDir(t), "db");
  const store = await LevelStore.open({ dir, create: true });
  for (const [i, size] of SIZES.entries()) {
    const value = createRng(i).bytes(size);
    await store.commit(
      [
        { key: deadKey(i), value },
        { key: deadKey(99), value: undefined },
      ],
      i + 1,
    );
  }
  await store.close();
  const name = readdirSync(dir).find((each) => each.endsWith(".log")) ?? "";
  return readFileSync(join(dir, name));
}

test("every commit is read back, in one piece or many", async (t) => {
  const { records, stop } = readLevelLog(await logOf(t));
  assert.equal(stop, undefined);
  const batches = records.map(({ bytes }) => readLevelBatch(bytes));
  assert.deepEqual(
    batches.map(({ sequence }) => sequence),
    SIZES.map((_, i) => 1 + 2 * i),
  );
  for (const [i, { writes }] of batches.entries()) {
    const [put, removed] = writes;
    assert(put?.value !== undefined);
    const value = unseal(put.key, put.value) ?? "damaged";
    assert.deepEqual(Buffer.from(value), Buffer.from(createRng(i).bytes(SIZES[i] ?? 0)));
    assert.deepEqual(removed, { key: deadKey(99), value: undefined });
  }
});

test("a log that is cut anywhere ends before the commit that was cut, and proves no damage", async (t) => {
  const log = await logOf(t);
  const whole = readLevelLog(log).records;
  const rng = createRng(1);
  for (let round = 0; round < 200; round++) {
    const length = rng.int(log.byteLength);
    const { records, stop } = readLevelLog(log.subarray(0, length));
    const expected = whole.findIndex((_, i) => (whole[i + 1]?.at ?? log.byteLength) > length);
    assert.equal(records.length, expected, `cut to ${length}`);
    assert.equal(stop?.laterAt, undefined);
  }
});

test("a flipped byte ends it at the commit it is in, and a later one proves the damage", async (t) => {
  const log = await logOf(t);
  const whole = readLevelLog(log).records;
  const rng = createRng(2);
  let proven = 0;
  for (let round = 0; round < 400; round++) {
    const at = rng.int(log.byteLength);
    const flipped = Buffer.from(log);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << rng.int(8));
    const { records, stop } = readLevelLog(flipped);
    if (stop === undefined) {
      // Padding at the end of a block, which nobody reads.
      assert.equal(records.length, whole.length);
      continue;
    }
    const hit = whole.findLastIndex((record) => record.at <= at);
    assert.equal(records.length, hit, `byte ${at}`);
    assert.equal(stop.at, whole[hit]?.at);
    if (stop.laterAt === undefined) continue;
    assert(whole.some((record) => record.at === stop.laterAt));
    proven++;
  }
  assert(proven > 300, `${proven}`);
});

test("what is no commit is refused", () => {
  for (const hex of ["", "00", `${"00".repeat(12)}02`, `${"00".repeat(8)}01000000`]) {
    assert.throws(() => readLevelBatch(Buffer.from(hex, "hex")), RangeError, hex);
  }
});
