import assert from "node:assert/strict";
import { test } from "node:test";
import { clip } from "../../src/base/clip.ts";

test("what is too long ends in an ellipsis, within the length allowed", () => {
  assert.equal(clip("short", 5), "short");
  assert.equal(clip("longer", 5), "long\u2026");
});
