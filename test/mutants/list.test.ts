import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MUTANTS } from "./list.ts";
import { applyChange, changesOf } from "./mutant.ts";

test("every mutant still applies to the source as it is", () => {
  for (const mutant of MUTANTS) {
    const texts = new Map<string, string>();
    for (const change of changesOf(mutant)) {
      const text = texts.get(change.file) ?? readFileSync(`src/${change.file}`, "utf8");
      texts.set(change.file, applyChange(text, change, mutant.name));
    }
  }
});

test("no two mutants share a name or a change", () => {
  const names = MUTANTS.map(({ name }) => name);
  const changes = MUTANTS.map((mutant) => JSON.stringify(changesOf(mutant)));
  assert.equal(new Set(names).size, names.length);
  assert.equal(new Set(changes).size, changes.length);
});

test("a mutant whose place is gone, or not the only one, is refused", () => {
  const change = { file: "a.ts", from: "x", to: "y" };
  assert.equal(applyChange("let x;", change, "m"), "let y;");
  assert.throws(() => applyChange("let z;", change, "m"), /m: src\/a\.ts holds this 0 times/);
  assert.throws(() => applyChange("x = x", change, "m"), /2 times/);
});
