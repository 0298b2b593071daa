import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { overlayFiles } from "../../src/log/overlay-files.ts";
import { tempDir } from "../support/temp.ts";

test("what is written is read back, and the disk keeps what it had", async (t) => {
  const dir = tempDir(t);
  const path = join(dir, "file");
  writeFileSync(path, "0123456789");
  const files = overlayFiles();
  const file = await files.open(path, false);
  assert.equal((await file.read(8, 10)).toString(), "89");
  await file.write(9, Buffer.from("ABC"));
  assert.equal(await file.size(), 12);
  await file.truncate(11);
  await file.sync();
  await file.close();
  const again = await files.open(path, false);
  assert.equal((await again.read(0, 100)).toString(), "012345678AB");
  assert.equal(readFileSync(path, "utf8"), "0123456789");
});

test("files are made and removed for whoever looks through it, and for nobody else", async (t) => {
  const dir = tempDir(t);
  mkdirSync(join(dir, "there"));
  writeFileSync(join(dir, "gone"), "");
  const files = overlayFiles();
  await assert.rejects(files.open(join(dir, "new"), false), { code: "ENOENT" });
  const made = await files.open(join(dir, "new"), true);
  assert.equal(await made.size(), 0);
  await files.remove(join(dir, "gone"));
  await assert.rejects(files.open(join(dir, "gone"), false), { code: "ENOENT" });
  assert.deepEqual((await files.list(dir)).sort(), ["new", "there"]);
  assert.deepEqual(await files.list(join(dir, "nowhere")), []);
  assert.deepEqual(readdirSync(dir).sort(), ["gone", "there"]);
});
