import assert from "node:assert/strict";
import { test } from "node:test";
import { EVERY_KIND, LEGACY } from "./every-kind.ts";
import { ENDPOINT, load } from "./loading.ts";

const RUNS = 2500;
const CORPUS = [...EVERY_KIND, LEGACY];

/** What breaks readers of YAML, of numbers, of names and of placeholders. */
const NASTY = [
  ...["${", `\${A}`, "${A:-", "$${", "}", "{", "[", "]", "&a ", "*a", "<<: *retry\n", "<<: 1\n"],
  ...[
    "---\n",
    "...\n",
    "\n",
    "\t",
    "\r",
    "\0",
    "\uFEFF",
    "\ud800",
    "'",
    '"',
    "|\n",
    ">-\n",
    "#",
    "? ",
    "- ",
    ": ",
  ],
  ...[
    "!!int ",
    "!x ",
    "!!set ",
    "!!merge ",
    "%YAML 1.1\n---\n",
    "%TAG ! %zz\n",
    "__proto__: ",
    "constructor: ",
  ],
  ...[
    "null",
    "~",
    "true",
    "-1",
    "0",
    "1e999",
    "9".repeat(30),
    "0x1F",
    ".nan",
    "*",
    "/",
    "//",
    "..",
    "~/",
    "%",
    "classpath:",
  ],
  ...["[".repeat(200), "{a: ".repeat(200), "- ".repeat(200), " ".repeat(200), "ä\u{1F600}"],
];

/** mulberry32: small, and the same everywhere. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

function mutated(text: string, below: (limit: number) => number): string {
  const at = below(text.length + 1);
  const end = Math.min(text.length, at + 1 + below(12));
  const lines = text.split("\n");
  const line = below(lines.length);
  switch (below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + text.slice(at, end).repeat(2) + text.slice(end);
    case 2:
      return lines.toSpliced(line, 1).join("\n");
    case 3:
      return lines.toSpliced(line, 0, lines[below(lines.length)] ?? "").join("\n");
    case 4:
      return lines.with(line, ` ${lines[line] ?? ""}`).join("\n");
    case 5:
      return text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(end);
    default:
      return (
        text.slice(0, at) + (NASTY[below(NASTY.length)] ?? "") + text.slice(below(2) ? at : end)
      );
  }
}

function textOf(seed: number): string {
  const below = random(seed);
  const pick = () => CORPUS[below(CORPUS.length)] ?? "";
  let text = `${below(4) === 0 ? pick() : ENDPOINT}---\n${pick()}`;
  for (let edits = 1 + below(2); edits > 0; edits--) text = mutated(text, below);
  return text;
}

test("whatever the text, there is a module or there are problems, each with a place", () => {
  let modules = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const text = textOf(seed);
    const context = () => `seed ${seed}: ${JSON.stringify(text)}`;
    try {
      const { module, problems, warnings } = load(text, { variables: { A: "*", HOST: "" } });
      assert.equal(module === undefined, problems.length > 0);
      if (module !== undefined) modules++;
      const lines = text.split("\n").length;
      for (const { line, column, message } of [...problems, ...warnings]) {
        assert(line >= 1 && line <= lines && column >= 1, `place ${line}:${column}`);
        assert.match(message, /^[^\n]{3,}$/);
      }
    } catch (error) {
      throw new Error(context(), { cause: error });
    }
  }
  // Both outcomes are met often, or the mutations are too wild or too tame to say anything.
  assert(modules > RUNS / 20 && modules < RUNS / 2, `${modules} of ${RUNS} were modules`);
});

test("every kind with every field is read without a word", () => {
  const { problems, warnings } = load(EVERY_KIND.join("---\n"));
  assert.deepEqual([problems, warnings], [[], []]);
  assert.deepEqual(load(LEGACY).problems, []);
});
