import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { DEFAULT_LIMITS as GATEWAY_LIMITS } from "../../src/gateway/limits.ts";
import { resolveOptions } from "../../src/log/options.ts";
import { DEFAULT_LIMITS as PARTITION_LIMITS } from "../../src/partition/limits.ts";

/*
 * The tables of bounds in docs/operating.md, held to the code: a row is
 *
 *     | `name` | 64 MiB | what happens there | [file](../src/…) |
 *
 * and its file gives the name that default.
 */
const PAGE = "docs/operating.md";

interface Row {
  readonly name: string;
  readonly written: string;
  readonly file: string;
}

const UNITS: Readonly<Record<string, number>> = {
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 },
  ...{ ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 },
};

function rows(): Row[] {
  const text = readFileSync(PAGE, "utf8");
  const cells = /^\| `(\w+)` \| ([\d,]+(?: [\w ]+)?) \| .* \| \[[^\]]+\]\(([^)]+\.ts)\) \|$/gm;
  return [...text.matchAll(cells)].map(([, name = "", written = "", link = ""]) => ({
    name,
    written,
    file: posix.join(posix.dirname(PAGE), link),
  }));
}

/** "64 MiB" and "10 min" in bytes and ms; "1,000 messages" is a count. */
function documented(written: string): number {
  const [digits = "", unit = ""] = written.split(" ");
  return Number(digits.replaceAll(",", "")) * (UNITS[unit] ?? 1);
}

/** A product of numbers and powers as the code writes it: `64 * 2 ** 20`. */
function evaluate(expression: string): number {
  return expression
    .replaceAll("_", "")
    .replaceAll(/(\d+) \*\* (\d+)/g, (_, base, power) => String(Number(base) ** Number(power)))
    .split("*")
    .reduce((product, factor) => product * Number(factor), 1);
}

/** `= 5`, `: 5`, `?? 5`, `: options.name ?? 5`, `: name ?? 5`, `: optional(…, 5)` */
const GIVEN = "(?:=|:|\\?\\?|: (?:\\w+\\.)?\\w+ \\?\\?|: optional\\([^\\n]*,)";

/** Every value a source file gives a name. */
function defaultsOf(name: string, source: string): number[] {
  const given = new RegExp(
    `\\b${name}(?:: number)? ?${GIVEN} ?(\\d[\\d_]*(?: \\*\\*? \\d[\\d_]*)*)`,
    "g",
  );
  return [...source.matchAll(given)].map(([, expression = ""]) => evaluate(expression));
}

test("every row of the bounds in docs/operating.md is written so that it can be checked", () => {
  const [, section = ""] = readFileSync(PAGE, "utf8").split("\n## Every bound\n");
  const written = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  assert.deepEqual(
    rows().map(({ name }) => name),
    written,
  );
});

test("every bound in docs/operating.md has its default in the code", () => {
  const problems = rows().flatMap(({ name, written, file }) => {
    const found = defaultsOf(name, readFileSync(file, "utf8"));
    const isSame = found.length > 0 && found.every((value) => value === documented(written));
    return isSame ? [] : [`${name} is documented as ${written}; ${file} says ${found.join(", ")}`];
  });
  assert.deepEqual(problems, []);
});

/** The options of the topic log that are numbers. */
const LOG_LIMITS = Object.entries(resolveOptions({})).flatMap(([name, value]) =>
  typeof value === "number" ? [name] : [],
);

for (const [file, names] of [
  ["src/partition/limits.ts", Object.keys(PARTITION_LIMITS)],
  ["src/gateway/limits.ts", Object.keys(GATEWAY_LIMITS)],
  ["src/log/options.ts", LOG_LIMITS],
] as const) {
  test(`docs/operating.md lists every bound of ${file}`, () => {
    const listed = new Set(rows().flatMap((row) => (row.file === file ? [row.name] : [])));
    assert.deepEqual(
      names.filter((name) => !listed.has(name)),
      [],
    );
  });
}

test("docs/operating.md names metrics that there are", () => {
  const declared = [
    "src/node/metrics.ts",
    "src/node/egress-figures.ts",
    "src/node/ingress-metrics.ts",
    "src/node/snapshot-metrics.ts",
    "src/node/threads/metrics.ts",
    "src/gateway/metrics.ts",
    "src/telemetry/process-metrics.ts",
  ]
    .map((file) => readFileSync(file, "utf8"))
    .join("");
  const named = readFileSync(PAGE, "utf8").matchAll(/`((?:statefold|process)_\w+)`/g);
  for (const [, name = ""] of named) {
    const own = name.replace("statefold_partition_", "");
    assert(declared.includes(`"${own}"`), `${name} is declared nowhere`);
  }
});
