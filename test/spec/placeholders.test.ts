import assert from "node:assert/strict";
import { test } from "node:test";
import { expandPlaceholders } from "../../src/spec/placeholders.ts";

const VALUES = new Map([
  ["HOST", "kafka"],
  ["port.main", "9092"],
  ["EMPTY", ""],
  ["RAW", `\${HOST}`],
]);
const lookup = (name: string) => VALUES.get(name);

function expanded(text: string): string {
  const expansion = expandPlaceholders(text, lookup);
  assert(expansion.ok, JSON.stringify(expansion));
  return expansion.text;
}

function mistake(text: string): string {
  const expansion = expandPlaceholders(text, lookup);
  assert(!expansion.ok, `${text} was expanded`);
  return expansion.mistake;
}

test("placeholders are replaced inside a text, several of them", () => {
  assert.equal(expanded(`\${HOST}`), "kafka");
  assert.equal(expanded(`//\${HOST}:\${port.main}/x`), "//kafka:9092/x");
  assert.equal(expanded("nothing here"), "nothing here");
});

test("a default stands in for a value that is missing or empty", () => {
  assert.equal(expanded(`\${NONE:-kafka:9092}`), "kafka:9092");
  assert.equal(expanded(`\${EMPTY:-x}`), "x");
  assert.equal(expanded(`\${NONE:-}`), "");
  assert.equal(expanded(`\${HOST:-x}`), "kafka");
  assert.equal(expanded(`[\${EMPTY}]`), "[]");
});

test("a default may hold balanced braces and placeholders", () => {
  assert.equal(expanded(`\${URL:-http://f/{function.name}}`), "http://f/{function.name}");
  assert.equal(expanded(`\${NONE:-\${ALSO_NONE:-\${HOST}}}!`), "kafka!");
});

test("two dollars before a brace are one, and no placeholder", () => {
  assert.equal(expanded(`$\${HOST}`), `\${HOST}`);
  assert.equal(expanded(`$$\${HOST}`), "$kafka");
  assert.equal(expanded(`$$$\${HOST}`), `$\${HOST}`);
  assert.equal(expanded("cost: $5, $$, {HOST}$"), "cost: $5, $$, {HOST}$");
});

test("values are not looked into again", () => {
  assert.equal(expanded(`\${RAW}`), `\${HOST}`);
});

test("all unknown names of a text are told, with the ways to set them", () => {
  const text = mistake(`\${A}-\${B}`);
  assert.match(
    text,
    /^the variable A has no value; it can come from --set A=VALUE, the environment, or a default: \$\{A:-VALUE\}; the variable B/,
  );
});

test("what is no placeholder is told, with the way to write it literally", () => {
  assert.match(mistake(`a \${HOST`), /never closed by "}"; .* write "\$\$\{"/);
  assert.match(mistake(`\${a b}`), /^"\$\{a b\}" names no variable: a name has letters/);
  assert.match(mistake(`\${}`), /names no variable/);
  assert.match(mistake(`\${:-x}`), /names no variable/);
});

test("nesting has a bound", () => {
  assert.match(mistake(`\${A:-`.repeat(5000) + "}".repeat(5000)), /nested deeper than 8/);
});
