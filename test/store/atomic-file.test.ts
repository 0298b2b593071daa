import assert from "node:assert/strict";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { syncNamed, writeFileAtomically } from "../../src/store/atomic-file.ts";
import { tempDir } from "../support/temp.ts";

test("a file is replaced whole, and nothing else stays behind", async (t) => {
  const dir = tempDir(t);
  await writeFileAtomically(join(dir, "file"), "a long first text");
  await writeFileAtomically(join(dir, "file"), "second");
  assert.equal(readFileSync(join(dir, "file"), "utf8"), "second");
  assert.deepEqual(readdirSync(dir), ["file"]);
});

test("a refusal of the disk says which file", async (t) => {
  const path = join(tempDir(t), "missing", "file");
  const error = { code: "STORE_WRITE_FAILED", message: `the disk refused a write to ${path}` };
  await assert.rejects(writeFileAtomically(path, ""), error);
});

test("what others wrote is synced by its name, and what has gone is left out", async (t) => {
  const dir = tempDir(t);
  writeFileSync(join(dir, "1.log"), "one");
  symlinkSync(join(dir, "gone"), join(dir, "2.log")); // is listed, and cannot be opened
  const asked: string[] = [];
  await syncNamed(dir, (name) => asked.push(name) > 0);
  assert.deepEqual(asked.sort(), ["1.log", "2.log"]);
  const error = { code: "STORE_WRITE_FAILED", message: /the disk refused to keep/ };
  await assert.rejects(
    syncNamed(join(dir, "missing"), () => true),
    error,
  );
});
