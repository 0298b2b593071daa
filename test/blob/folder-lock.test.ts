import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { LOCK_WAIT_MS, withFolderLock } from "../../src/blob/folder-lock.ts";
import { startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";

test("one at a time, in turn, whatever becomes of the one before", async (t) => {
  const folder = tempDir(t);
  const order: string[] = [];
  const hold = deferred<void>();
  const turns = ["a", "b", "c"].map((name) =>
    withFolderLock(folder, undefined, async () => {
      order.push(`${name} begins`);
      if (name === "a") await hold.promise;
      order.push(`${name} ends`);
      if (name === "b") throw new Error("b failed");
      return name;
    }),
  );
  hold.resolve();
  const results = await Promise.allSettled(turns);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  const turnsInOrder = ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"];
  assert.deepEqual(order, turnsInOrder);
});

test("who is killed holds it no longer; who lives is waited for LOCK_WAIT_MS at most", async (t) => {
  const folder = join(tempDir(t), "lock");
  mkdirSync(folder);
  const script = new URL("./scripts/hold-lock.js", import.meta.url);
  const holder = await startScript(t, { script, args: [folder], ready: /held/ });
  // The wait is by a clock of the process: here that is 5 s ahead of itself with every look.
  let nowMs = 0;
  t.mock.method(performance, "now", () => (nowMs += 5_000));
  const busy = { code: "BLOB_UNAVAILABLE", message: new RegExp(`for ${LOCK_WAIT_MS} ms`) };
  await assert.rejects(
    withFolderLock(folder, undefined, async () => {}),
    busy,
  );
  t.mock.restoreAll();
  const aborted = withFolderLock(folder, AbortSignal.timeout(1), async () => {});
  await assert.rejects(aborted, { name: "TimeoutError" });
  const waiting = withFolderLock(folder, undefined, async () => "mine");
  await holder.kill();
  assert.equal(await waiting, "mine");
});

test("a lock whose files were damaged is a lock again", async (t) => {
  const folder = tempDir(t);
  await withFolderLock(folder, undefined, async () => {});
  for (const name of readdirSync(folder)) {
    if (name.startsWith("MANIFEST")) rmSync(join(folder, name));
    else if (name === "CURRENT") writeFileSync(join(folder, name), "MANIFEST-000077\n");
  }
  assert.equal(await withFolderLock(folder, undefined, async () => 1), 1);
});
