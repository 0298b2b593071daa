import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { DRIVERS, NO_BOUNDS } from "./registry.ts";

const PAGE = "docs/operating.md";

/** The rows of the page, as `file#name`. */
function rows(): string[] {
  const [, section = ""] = readFileSync(PAGE, "utf8").split("\n## Every bound\n");
  const cells = section.matchAll(/^\| `(\w+)` \|.*\]\(([^)]+\.ts)\) \|$/gm);
  return [...cells].map(([, name = "", link = ""]) => {
    return `${posix.join(posix.dirname(PAGE), link)}#${name}`;
  });
}

/** The titles of a file's tests, with what is filled in left out. */
function titlesOf(file: string): string[] {
  const path = file.startsWith("contracts/") ? `test/${file}.ts` : `test/${file}.test.ts`;
  const titles = readFileSync(path, "utf8").matchAll(
    /\b(?:t|storeT|blobT)est\(\s*(["`])((?:(?!\1).)*)\1/g,
  );
  return [...titles].map(([, , title = ""]) => title.replaceAll(/\$\{\w+\}/g, "$NAME"));
}

test("every bound that docs/operating.md lists is driven by a test, and no other is", () => {
  assert.deepEqual(Object.keys(DRIVERS).sort(), rows().sort());
});

test("every test that is said to drive a bound is there", () => {
  const missing = Object.entries(DRIVERS).flatMap(([bound, drivers]) => {
    const gone = drivers.filter(([file, title]) => {
      return !titlesOf(file).some((each) => each.startsWith(title));
    });
    return gone.map(([file, title]) => `${bound}: test/${file} has no test "${title}"`);
  });
  assert.deepEqual(missing, []);
  assert(Object.values(DRIVERS).every((drivers) => drivers.length > 0));
});

/** Numbers that the code gives a name in capitals, as `file#NAME`. */
function numbersOf(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.flatMap((name) => {
    if (!name.endsWith(".ts") || name.endsWith(".d.ts")) return [];
    const file = posix.join(folder, name.replaceAll("\\", "/"));
    const given = readFileSync(file, "utf8").matchAll(
      /^(?:export )?const ([A-Z][A-Z0-9_]*)(?:: \w+)? = \d[\d_]*(?: (?:\*\*?|\+|-) \d[\d_]*)*;/gm,
    );
    return [...given].map(([, constant = ""]) => `${file}#${constant}`);
  });
}

test("every number of the code is a bound that is listed, or is said to be none", () => {
  const numbers = [...numbersOf("src"), ...numbersOf("sdk/src")];
  const unknown = numbers.filter((each) => !(each in DRIVERS) && !(each in NO_BOUNDS));
  assert.deepEqual(unknown, [], "list it in docs/operating.md and drive it, or say what it is");
  const gone = Object.keys(NO_BOUNDS).filter((each) => !numbers.includes(each));
  assert.deepEqual(gone, []);
  assert(numbers.length > 100);
});
