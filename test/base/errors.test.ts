import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { describeError, ERRORS, StatefoldError } from "../../src/base/errors.ts";

/** The sections of docs/errors.md: code and text. */
function sections(): Map<string, string> {
  const [, ...parts] = readFileSync("docs/errors.md", "utf8").split(/^### /m);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf("\n");
      return [part.slice(0, end), part.slice(end + 1).trim()];
    }),
  );
}

test("every code has a section in docs/errors.md, and every section a code", () => {
  assert.deepEqual([...sections().keys()].sort(), Object.keys(ERRORS).sort());
});

test("every section begins with the code's status and says what to do", () => {
  const texts = sections();
  for (const [code, { status }] of Object.entries(ERRORS)) {
    const text = texts.get(code) ?? "";
    assert(text.startsWith(`${status}. `), `${code}: the page does not begin with ${status}`);
    assert.match(text, /^\*\*What to do:\*\* /m, code);
  }
});

test("an error is described with its causes", () => {
  const cause = new Error("disk full", { cause: new TypeError("") });
  const error = new StatefoldError("STORE_WRITE_FAILED", "partition 2", { cause });
  assert.equal(describeError(error), "partition 2: disk full: TypeError");
  assert.equal(
    describeError(new Error("partition 2: disk full: TypeError", { cause })),
    error.message.concat(": disk full: TypeError"),
    "said once",
  );
  assert.equal(describeError("text"), "text");
  assert.deepEqual([error.name, error.code], ["StatefoldError", "STORE_WRITE_FAILED"]);
});
