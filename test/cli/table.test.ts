import assert from "node:assert/strict";
import { test } from "node:test";
import { table } from "../../src/cli/table.ts";

test("columns are as wide as their widest cell, numbers to the right", () => {
  const shown = table(
    ["ID", "TRIES", "WHY"],
    [
      ["a", 5, "boom"],
      ["long", 12, "bad\nnews"],
    ],
  );
  assert.equal(shown, "ID    TRIES  WHY\na         5  boom\nlong     12  bad\\u000anews\n");
});

test("a cell that is very wide is shown whole, and widens no other line", () => {
  const wide = "x".repeat(100_000);
  const lines = table(
    ["ID", "WHY"],
    [
      ["a", "boom"],
      [wide, "bang"],
    ],
  ).split("\n");
  assert.equal(lines[2], `${wide}  bang`);
  assert.equal(lines[1], `${"a".padEnd(80)}  boom`);
});
