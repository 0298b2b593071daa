import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { LevelStore } from "../../src/store/level.ts";
import { type EntriesOptions, entriesIn } from "../../src/store/level-entries.ts";
import { readLevelFiles } from "../../src/store/level-files.ts";
import { unseal } from "../../src/store/seal.ts";
import { deadKey } from "../contracts/store.ts";
import { createRng } from "../support/rng.ts";
import { tempDir } from "../support/temp.ts";

/** Key and value of everything, as read from the files. */
async function read(dir: string, options?: EntriesOptions): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const page of entriesIn(await readLevelFiles(dir), options)) {
    for (const { key, sealed } of page) {
      const value = unseal(key, sealed);
      assert(value !== undefined);
      found.push([Buffer.from(key).toString("hex"), Buffer.from(value).toString("hex")]);
    }
  }
  return found;
}

test("the files hold what LevelDB says they hold: overwritten, deleted, in tables and in the log", async (t) => {
  const dir = join(tempDir(t), "db");
  const rng = createRng(7);
  const options = { dir, writeBufferBytes: 64 * 1024 };
  const everything = { from: deadKey(), until: Buffer.from("E"), limit: 100_000 };
  let epoch = 0;
  for (let life = 0; life < 6; life++) {
    const store = await LevelStore.open({ ...options, create: life === 0 });
    for (let commit = 0; commit < 25; commit++) {
      const writes = Array.from({ length: 40 }, () => ({
        key: deadKey(rng.int(40), rng.int(40)),
        value: rng.chance(0.3) ? undefined : rng.bytes(rng.int(200)),
      }));
      await store.commit(writes, ++epoch);
    }
    const expected = (await store.scan(everything)).map(({ key, value }): [string, string] => [
      Buffer.from(key).toString("hex"),
      Buffer.from(value).toString("hex"),
    ]);
    await store.close();
    assert.deepEqual(await read(dir), expected);
    const range = { from: deadKey(10), until: deadKey(20, 5) };
    const [from, until] = [range.from, range.until].map((key) => Buffer.from(key).toString("hex"));
    assert.deepEqual(
      await read(dir, range),
      expected.filter(([key]) => key >= (from ?? "") && key < (until ?? "")),
    );
  }
});
