import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeFileAtomically } from "../../src/store/atomic-file.ts";
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
