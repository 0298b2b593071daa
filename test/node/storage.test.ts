import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openStorage } from "../../src/node/storage.ts";
import { keyOf } from "../../src/store/keys.ts";
import { tempDir } from "../support/temp.ts";

const OPTIONS = { application: "test", partitions: undefined, acceptLoss: false };

test("memory has a folder for topics, which is gone when it is closed", async () => {
  const storage = await openStorage({ ...OPTIONS, dataDir: undefined, partitions: 2 });
  assert.deepEqual([storage.partitionCount, storage.dataDir], [2, undefined]);
  assert.equal(existsSync(storage.path), true);
  await storage.close();
  assert.equal(existsSync(storage.path), false);
});

test("memory outlives a store that is closed", async (t) => {
  const storage = await openStorage({ ...OPTIONS, dataDir: undefined });
  t.after(() => storage.close());
  const key = keyOf("meta");
  const first = await storage.openPartition(0);
  await first.commit([{ key, value: key }], 1);
  await first.close();
  const second = await storage.openPartition(0);
  assert.deepEqual(await second.getMany([key]), [key]);
});

test("a directory has the partitions it was made with, and says so when others are asked for", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const first = await openStorage({ ...OPTIONS, dataDir, partitions: 3 });
  assert.deepEqual([first.partitionCount, first.dataDir], [3, dataDir]);
  await first.close();
  const second = await openStorage({ ...OPTIONS, dataDir });
  assert.equal(second.partitionCount, 3);
  await second.close();
  await assert.rejects(openStorage({ ...OPTIONS, dataDir, partitions: 4 }), {
    code: "CONFIG_INVALID",
    message: /has 3 partitions, and 4 were asked for/,
  });
});
