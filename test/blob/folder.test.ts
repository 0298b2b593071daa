import assert from "node:assert/strict";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openFolder } from "../../src/blob/folder.ts";
import { blobStoreContract, listed, textAt } from "../contracts/blob-store.ts";
import { startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";

blobStoreContract("in a folder", async (t) => {
  const root = join(tempDir(t), "made", "by the first write");
  const leftovers = async (): Promise<number> => readdirSync(join(root, ".uploads")).length;
  return { store: openFolder(root), other: openFolder(root), leftovers };
});

const bytes = (text: string): Uint8Array => Buffer.from(text);

test("an object is a file of its name", async (t) => {
  const root = tempDir(t);
  const store = openFolder(root);
  await store.put("a/b", bytes("text"));
  assert.equal(readFileSync(join(root, "a", "b"), "utf8"), "text");
  await store.delete(["a/b"]);
  assert.deepEqual(
    readdirSync(root).filter((name) => !name.startsWith(".")),
    [],
  );
});

test("processes that replace an object by its tag lose no update", async (t) => {
  const root = tempDir(t);
  await openFolder(root).put("count", bytes("0"));
  const script = new URL("./scripts/count.js", import.meta.url);
  const [processes, times] = [2, 8];
  const counting = Array.from({ length: processes }, async () => {
    const counter = await startScript(t, { script, args: [root, String(times)] });
    await counter.line(/counted/, 60_000);
  });
  await Promise.all(counting);
  assert.equal(await textAt(openFolder(root), "count"), String(processes * times));
});

test("what a killed process was writing is not there, and leaves when it is ABANDONED_MS old", async (t) => {
  const root = tempDir(t);
  const script = new URL("./scripts/write.js", import.meta.url);
  const writer = await startScript(t, { script, args: [root], ready: /writing/ });
  await writer.kill();
  const uploads = join(root, ".uploads");
  const [left = "", ...more] = readdirSync(uploads);
  assert.deepEqual(more, []);
  assert.equal(await openFolder(root).get("endless"), undefined);
  assert.deepEqual(await listed(openFolder(root).list("")), []);
  const setAge = (ageS: number): void => {
    const thenS = Date.now() / 1000 - ageS;
    utimesSync(join(uploads, left), thenS, thenS);
  };
  setAge(3_500);
  await openFolder(root).put("k", bytes("k"));
  assert.deepEqual(readdirSync(uploads), [left]);
  setAge(3_700);
  await openFolder(root).put("k", bytes("k"));
  assert.deepEqual(readdirSync(uploads), []);
});

test("links are not followed", async (t) => {
  const [root, elsewhere] = [tempDir(t), tempDir(t)];
  writeFileSync(join(elsewhere, "file"), "not ours");
  symlinkSync(elsewhere, join(root, "folder"));
  symlinkSync(join(elsewhere, "file"), join(root, "file"));
  const store = openFolder(root);
  const refused = { code: "BLOB_REFUSED" };
  const named = { ...refused, message: /folder is a symbolic link/ };
  await assert.rejects(store.put("folder/x", bytes("x")), named);
  await assert.rejects(store.get("folder/file"), named);
  await assert.rejects(store.get("file"), refused);
  assert.deepEqual(await listed(store.list("")), []);
  await store.delete(["folder/file", "file"]).catch(() => {});
  await store.put("file", bytes("ours"));
  assert.equal(readFileSync(join(elsewhere, "file"), "utf8"), "not ours");
  assert.deepEqual(readdirSync(elsewhere), ["file"]);
});

test("what others have put into the folder is passed over", async (t) => {
  const root = tempDir(t);
  mkdirSync(join(root, "not ours"));
  writeFileSync(join(root, "not ours", "file"), "");
  writeFileSync(join(root, ".hidden"), "");
  writeFileSync(join(root, "what?"), "");
  const store = openFolder(root);
  await store.put("k", bytes("k"));
  assert.deepEqual(
    (await listed(store.list(""))).map(({ key }) => key),
    ["k"],
  );
});

test("a key below an object is refused, and not there", async (t) => {
  const store = openFolder(tempDir(t));
  await store.put("a", bytes("a"));
  assert.equal(await store.get("a/b"), undefined);
  await assert.rejects(store.put("a/b", bytes("b")), {
    code: "BLOB_REFUSED",
    message: /a is a file where a folder should be/,
  });
});

test("a file that became shorter is damaged", async (t) => {
  const root = tempDir(t);
  const store = openFolder(root);
  await store.put("k", Buffer.alloc(1_000_000));
  const blob = await store.get("k");
  truncateSync(join(root, "k"), 500_000);
  await assert.rejects(
    async () => {
      for await (const _ of blob?.chunks ?? []);
    },
    { code: "BLOB_CORRUPT", message: /has 500000 of 1000000 bytes of k/ },
  );
});

test("a disk that is full may have room again", async (t) => {
  const root = tempDir(t);
  mkdirSync(join(root, ".uploads"));
  const store = openFolder(root);
  const script = new URL("./scripts/fill.js", import.meta.url);
  const { output } = await (async () => {
    const filler = await startScript(t, {
      script,
      args: [root],
      before: ["prlimit", "--fsize=100000"],
    });
    await filler.exited;
    return filler;
  })();
  assert.match(output, /BLOB_UNAVAILABLE .* could not store large/);
  assert.equal(await store.get("large"), undefined);
  assert.deepEqual(readdirSync(join(root, ".uploads")), []);
});
