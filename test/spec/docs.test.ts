import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { KINDS } from "../../src/spec/kinds/all.ts";
import { MAX_CHARACTERS, MAX_NESTING, MAX_VALUES } from "../../src/spec/yaml-tree.ts";

const text = readFileSync("docs/module.md", "utf8");

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");

/** The first cells of the tables below each heading, by the heading's anchor. */
const rows = new Map<string, string[]>();
let current: string[] = [];
for (const line of text.split("\n")) {
  const heading = /^#+ (.*)$/.exec(line)?.[1];
  if (heading !== undefined) {
    current = [];
    rows.set(anchorOf(heading), current);
  }
  const cell = /^\| (.*?) \|/.exec(line)?.[1];
  if (cell !== undefined && cell !== "field") current.push(cell);
}

/** A row is a field, or a link to a section whose fields belong here too, below a field if it is named. */
function fieldsUnder(anchor: string): string[] {
  return (rows.get(anchor) ?? []).flatMap((cell) => {
    const [, field, link] = /^(?:`([^`]+)`)? ?(?:\[[^\]]+\]\(#([^)]+)\))?$/.exec(cell) ?? [];
    if (link === undefined) return field ?? [];
    return fieldsUnder(link).map((inner) => (field === undefined ? inner : `${field}.${inner}`));
  });
}

for (const kind of KINDS.values()) {
  test(`docs/module.md names exactly the fields of ${kind.name}`, () => {
    const documented = new Set(fieldsUnder(anchorOf(kind.name)));
    const accepted = new Set(kind.spec.fieldPaths.map((path) => path.slice(1)));
    assert.deepEqual([...documented].toSorted(), [...accepted].toSorted());
  });
}

test("every link inside docs/module.md leads somewhere", () => {
  for (const [, anchor = ""] of text.matchAll(/\]\(#([^)]+)\)/g)) {
    assert(rows.has(anchor), `#${anchor}`);
  }
});

test("docs/module.md states the bounds", () => {
  const number = (value: number) => value.toLocaleString("en-US");
  const stated = `a file of ${number(MAX_CHARACTERS)} characters, ${MAX_NESTING} levels, ${number(MAX_VALUES)} values`;
  assert(text.includes(stated));
});
