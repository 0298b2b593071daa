import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem, type Problem } from "../../src/spec/problem.ts";
import {
  MAX_CHARACTERS,
  MAX_NESTING,
  memberPath,
  parseYaml,
  type YamlNode,
} from "../../src/spec/yaml-tree.ts";

function parse(text: string) {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const file = parseYaml("m.yaml", text, {
    problem: (problem) => problems.push(problem),
    warning: (warning) => warnings.push(warning),
  });
  const lines = (all: Problem[]) => all.map(formatProblem);
  return { ...file, problems: lines(problems), warnings: lines(warnings) };
}

/** The values alone, for comparing. */
function plain(node: YamlNode | undefined): unknown {
  if (node?.kind === "text") return node.text;
  if (node?.kind === "list") return node.items.map(plain);
  if (node?.kind === "mapping") return node.entries.map(({ key, value }) => [key, plain(value)]);
  return null;
}

function only(text: string): unknown {
  const { documents, problems } = parse(text);
  assert.deepEqual(problems, []);
  assert.equal(documents.length, 1);
  return plain(documents[0]);
}

test("documents are split, and empty ones are skipped", () => {
  const { documents, brokenCount } = parse(
    "---\n# only a comment\n---\na: 1\n---\n---\n~\n---\nb: 2\n...\n",
  );
  assert.deepEqual(documents.map(plain), [[["a", "1"]], [["b", "2"]]]);
  assert.equal(brokenCount, 0);
  assert.deepEqual(parse("").documents, []);
});

test("a scalar stays the text that was written", () => {
  assert.deepEqual(only("[1.10, 0x10, yes, 010, 2020-01-01, 'it''s', \"a\\tb\", 1_000]"), [
    ...["1.10", "0x10", "yes", "010", "2020-01-01", "it's", "a\tb", "1_000"],
  ]);
  assert.deepEqual(only("%YAML 1.1\n---\n[012, on, 1:30]"), ["012", "on", "1:30"]);
});

test("nothing, ~ and null are empty, unless they are quoted", () => {
  assert.deepEqual(only("[~, null, Null, NULL, 'null', '', \"~\"]"), [
    ...[null, null, null, null, "null", "", "~"],
  ]);
  assert.deepEqual(only("a:\nb: 1"), [
    ["a", null],
    ["b", "1"],
  ]);
});

test("every value knows its line and column, also after a comment, CRLF and a byte order mark", () => {
  const { documents } = parse("# c\r\na:\r\n  - x\r\n  - {b: y}\r\n");
  const root = documents[0];
  assert(root?.kind === "mapping");
  const list = root.entries[0]?.value;
  assert(list?.kind === "list");
  assert.deepEqual(list.items[0]?.place, { file: "m.yaml", line: 3, column: 5 });
  const inner = list.items[1];
  assert(inner?.kind === "mapping");
  assert.deepEqual(inner.entries[0]?.value.place, { file: "m.yaml", line: 4, column: 9 });
  assert.deepEqual(only("\uFEFFa: 1"), [["a", "1"]]);
});

test("aliases and merge keys bring in what was anchored, and what is written here wins", () => {
  assert.deepEqual(only("a: &x {k: 1, l: 2}\nb: *x\nc: {<<: *x, l: 3}\nd: {<<: [*x, {m: 4}]}"), [
    [
      "a",
      [
        ["k", "1"],
        ["l", "2"],
      ],
    ],
    [
      "b",
      [
        ["k", "1"],
        ["l", "2"],
      ],
    ],
    [
      "c",
      [
        ["l", "3"],
        ["k", "1"],
      ],
    ],
    [
      "d",
      [
        ["k", "1"],
        ["l", "2"],
        ["m", "4"],
      ],
    ],
  ]);
  assert.deepEqual(only("'<<': {a: 1}"), [["<<", [["a", "1"]]]]);
});

test("an alias without anchor, one within its own value, and a merge of no mapping are problems", () => {
  assert.deepEqual(parse("a: *x").problems, [
    "m.yaml:1:4 a: the alias *x has no anchor &x before it",
  ]);
  assert.deepEqual(parse("a: &x [*x]").problems, [
    "m.yaml:1:8 a[0]: the alias *x stands inside the value it names",
  ]);
  assert.deepEqual(parse("a: {<<: 1}").problems, [
    'm.yaml:1:9 a: "<<" takes a mapping, or a list of mappings',
  ]);
});

test("an alias bomb is refused without being unfolded", () => {
  const levels = Array.from(
    { length: 60 },
    (_, i) => `l${i + 1}: &l${i + 1} [*l${i},*l${i},*l${i}]`,
  );
  const { problems, documents } = parse(`l0: &l0 x\n${levels.join("\n")}`);
  assert.deepEqual(problems, [
    "m.yaml:1:1: the document holds more than 100000 values, those behind aliases counted each time",
  ]);
  assert.deepEqual(documents, []);
});

test("deep nesting is refused before anything recurses into it", () => {
  for (const text of [
    "[".repeat(100_000),
    "- ".repeat(50_000),
    "{a: ".repeat(30_000),
    "? ".repeat(50_000),
  ]) {
    const { problems } = parse(text);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", new RegExp(`nested deeper than ${MAX_NESTING} levels`));
  }
});

test("a file has a bound", () => {
  assert.deepEqual(parse("#".repeat(MAX_CHARACTERS + 1)).problems, [
    "m.yaml:1:1: the file has more than 1000000 characters",
  ]);
});

test("a key that is written twice is told, with the first one's line; the document is still read", () => {
  const { problems, documents } = parse("a: 1\nb: {c: 1,\n  c: 2}\n");
  assert.deepEqual(problems, ["m.yaml:3:3 b.c: is written twice, first on line 2; keep one"]);
  assert.equal(documents.length, 1);
});

test("keys that mean something to JavaScript are data", () => {
  assert.deepEqual(only("__proto__: {polluted: 1}\nconstructor: 2\ntoString: 3"), [
    ["__proto__", [["polluted", "1"]]],
    ["constructor", "2"],
    ["toString", "3"],
  ]);
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

test("a key of several parts is a problem", () => {
  assert.deepEqual(parse("? [a, b]\n: 1").problems, [
    "m.yaml:1:3: the name of a field must be plain text",
  ]);
});

test("a syntax error leaves the other documents readable", () => {
  const { documents, brokenCount, problems } = parse("a: 1\n---\nb: [1\n---\nc: x: y\n---\nd: 4\n");
  assert.deepEqual(documents.map(plain), [[["a", "1"]], [["d", "4"]]]);
  assert.equal(brokenCount, 2);
  assert.equal(problems.length >= 2, true);
  for (const problem of problems) assert.match(problem, /^m\.yaml:[3-6]:\d+: YAML: \S/);
});

test("a tag that nobody knows is a warning", () => {
  const { documents, warnings } = parse("a: !secret x\nb: !!binary aGk=");
  assert.deepEqual(documents.map(plain), [
    [
      ["a", "x"],
      ["b", "aGk="],
    ],
  ]);
  assert.deepEqual(warnings, [
    "m.yaml:1:4: YAML: Unresolved tag: !secret",
    "m.yaml:2:4: YAML: Unresolved tag: tag:yaml.org,2002:binary",
  ]);
});

test("a path shows odd keys in quotes", () => {
  assert.equal(memberPath("", "spec"), "spec");
  assert.equal(memberPath("spec", "topic-1"), "spec.topic-1");
  assert.equal(memberPath("spec", "a.b/c"), 'spec["a.b/c"]');
});
