/**
 * Runs the compiled tests: all of them, or those whose path contains one of the words given.
 * `--test` with globs behaves differently on Node 20 and 24, so the files are listed here.
 */
import { readdirSync, writeSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const root = new URL("../dist/test/", import.meta.url);
const words = process.argv.slice(2);
const files = readdirSync(root, { recursive: true })
  .filter((name) => name.endsWith(".test.js"))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .map((name) => fileURLToPath(new URL(name, root)));

if (files.length === 0) {
  process.stderr.write(`no test's path contains ${words.join(" or ")}\n`);
  process.exit(1);
}

/** What was not tested, and why: a skipped test must not go unseen among the others. */
const skipped = [];

run({ files, concurrency: true })
  .on("test:pass", ({ name, skip }) => {
    if (skip !== undefined) skipped.push(skip === true ? name : `${name}: ${skip}`);
  })
  .on("test:fail", () => {
    process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);

process.on("exit", () => {
  if (skipped.length > 0)
    writeSync(1, `\nnot tested:\n${skipped.map((each) => `  ${each}\n`).join("")}`);
});
