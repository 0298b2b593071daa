import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { StatefoldError } from "../../src/base/errors.ts";
import { LevelStore } from "../../src/store/level.ts";
import { deadKey, metaWrite, storeContract } from "../contracts/store.ts";
import { atEnd } from "../support/cleanup.ts";
import { createRng } from "../support/rng.ts";
import { tempDir } from "../support/temp.ts";

storeContract("LevelStore", async (t) => {
  const dir = join(tempDir(t), "db");
  let store = await LevelStore.open({ dir, create: true });
  atEnd(t, () => store.close());
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await LevelStore.open({ dir });
      return store;
    },
  };
});

const EMPTY = Buffer.alloc(0);

/** Bytes that do not compress, so that they can be found in a table. */
function noise(i: number): Uint8Array {
  return createRng(i).bytes(40);
}

/** A closed store whose entries lie in a table, not in the log. */
async function storeWithTable(t: TestContext): Promise<string> {
  const dir = join(tempDir(t), "db");
  const store = await LevelStore.open({ dir, create: true });
  const writes = Array.from({ length: 200 }, (_, i) => ({
    key: deadKey(i),
    value: noise(i),
  }));
  await store.commit([...writes, metaWrite(1)], 1);
  await store.close();
  // The next open moves the log into a table.
  await (await LevelStore.open({ dir })).close();
  return dir;
}

function fileLike(dir: string, pattern: RegExp): string {
  const name = readdirSync(dir).find((file) => pattern.test(file));
  assert(name !== undefined, `no file like ${pattern}`);
  return join(dir, name);
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
}

/** Opens, reads everything, closes: what a damaged store must not survive. */
async function readAll(dir: string): Promise<number> {
  const store = await LevelStore.open({ dir });
  try {
    const from = deadKey();
    return (await store.scan({ from, until: Buffer.from("E"), limit: 1000 })).length;
  } finally {
    await store.close();
  }
}

function damaged(dir: string): (error: StatefoldError) => boolean {
  return (error) => {
    assert.equal(error.code, "STORE_CORRUPT", String(error));
    assert(error.message.includes(dir), error.message);
    assert.match(error.message, /restore/);
    return true;
  };
}

test("an undamaged table is read", async (t) => {
  assert.equal(await readAll(await storeWithTable(t)), 200);
});

test("a flipped byte anywhere in a table is found when it is opened", async (t) => {
  const dir = await storeWithTable(t);
  const table = fileLike(dir, /\.ldb$/);
  const whole = readFileSync(table);
  const footerStartsAt = whole.byteLength - 48; // it is padded with bytes that mean nothing
  for (let at = 5; at < footerStartsAt; at += 97) {
    flip(table, at);
    await assert.rejects(LevelStore.open({ dir }), damaged(dir), `byte ${at}`);
    writeFileSync(table, whole);
  }
});

test("a truncated table is an error", async (t) => {
  const dir = await storeWithTable(t);
  truncateSync(fileLike(dir, /\.ldb$/), 1000);
  await assert.rejects(readAll(dir), damaged(dir));
});

test("a missing table is an error", async (t) => {
  const dir = await storeWithTable(t);
  rmSync(fileLike(dir, /\.ldb$/));
  await assert.rejects(readAll(dir), damaged(dir));
});

test("a flipped, truncated or missing manifest is an error", async (t) => {
  for (const damage of [
    (path: string) => flip(path, 30),
    (path: string) => truncateSync(path, 20),
    (path: string) => rmSync(path),
  ]) {
    const dir = await storeWithTable(t);
    damage(fileLike(dir, /^MANIFEST/));
    await assert.rejects(readAll(dir), damaged(dir));
  }
});

test("a missing CURRENT, or a missing directory, is never made anew", async (t) => {
  const dir = await storeWithTable(t);
  rmSync(join(dir, "CURRENT"));
  const before = readdirSync(dir);
  await assert.rejects(readAll(dir), damaged(dir));
  assert.deepEqual(readdirSync(dir), before);
  const missing = join(dir, "nothing-here");
  await assert.rejects(readAll(missing), damaged(missing));
  assert.deepEqual(readdirSync(dir), before);
});

test("garbage in CURRENT is an error", async (t) => {
  const dir = await storeWithTable(t);
  writeFileSync(join(dir, "CURRENT"), "MANIFEST-999999\n");
  await assert.rejects(readAll(dir), damaged(dir));
  appendFileSync(join(dir, "CURRENT"), "garbage");
  await assert.rejects(readAll(dir), damaged(dir));
});

test("a store that exists is not made again", async (t) => {
  const dir = await storeWithTable(t);
  await assert.rejects(LevelStore.open({ dir, create: true }), /there is a store/);
  assert.equal(await readAll(dir), 200);
});

test("a scan in several steps is finished before the store closes", async (t) => {
  const store = await LevelStore.open({ dir: join(tempDir(t), "db"), create: true });
  const writes = Array.from({ length: 12_000 }, (_, i) => ({
    key: deadKey(i >> 8, i & 255),
    value: Buffer.from("x"),
  }));
  await store.commit(writes, 1);
  const scanning = store.scan({ from: deadKey(), until: Buffer.from("E"), limit: 12_000 });
  await store.close();
  assert.equal((await scanning).length, 12_000);
});

test("others go in between the writes of a large commit, and it is whole", async (t) => {
  const dir = join(tempDir(t), "db");
  const store = await LevelStore.open({ dir, create: true });
  atEnd(t, () => store.close());
  const writes = Array.from({ length: 5_500 }, (_, i) => ({
    key: deadKey(i >> 8, i & 255),
    value: noise(i),
  }));
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  const committing = store.commit(writes, 1);
  let next = setImmediate(count);
  await committing;
  clearImmediate(next);
  assert(turns >= 4, `only ${turns} turns of the event loop came in between`);
  const values = await store.getMany(writes.map(({ key }) => key));
  const wrong = values.findIndex((value, i) => Buffer.compare(value ?? EMPTY, noise(i)) !== 0);
  assert.equal(wrong, -1);
});

test("the same directory twice is refused by name", async (t) => {
  const dir = await storeWithTable(t);
  const store = await LevelStore.open({ dir });
  t.after(() => store.close());
  await assert.rejects(LevelStore.open({ dir }), { code: "STORE_LOCKED" });
});

test("when the disk refuses a commit, no other is tried, and those before it are kept", async (t) => {
  const dir = join(tempDir(t), "db");
  await (await LevelStore.open({ dir, create: true })).close();
  const script = fileURLToPath(new URL("./scripts/fill.js", import.meta.url));
  // A limit on the size of files stands for the full disk: the write fails in the middle.
  const limited = ["-c", 'ulimit -f 64; exec "$0" "$1" "$2"', process.execPath, script, dir];
  const { stdout } = await promisify(execFile)("sh", limited);
  const { lastDone, outcome, after } = JSON.parse(stdout);
  assert(lastDone > 5, stdout);
  assert.match(
    outcome,
    /^STORE_WRITE_FAILED the disk refused a write to .*db; .* may not be durable/,
  );
  assert.match(after, /^STORE_WRITE_FAILED .* takes no commit after one that failed; open it anew/);
  const kept = await readAll(dir);
  assert(kept === lastDone || kept === lastDone + 1, `${kept} kept of ${lastDone}`);
});
