import assert from "node:assert/strict";
import { test } from "node:test";
import { checkKey, isKey, MAX_KEY_CHARS, MAX_PART_CHARS } from "../../src/blob/key.ts";

test("a part has MAX_PART_CHARS characters at most, a key MAX_KEY_CHARS", () => {
  const part = "n".repeat(MAX_PART_CHARS);
  assert(isKey(part) && isKey(`${part}/${part}`));
  assert(!isKey(`${part}n`) && !isKey(`a/${part}n`));
  const longest = `${part}/${part}/${"n".repeat(MAX_KEY_CHARS - 2 * MAX_PART_CHARS - 2)}`;
  assert(isKey(longest));
  assert(!isKey(`${longest}n`));
  assert.throws(() => checkKey(`${longest}n`), {
    code: "BLOB_REFUSED",
    message: /^"n{99}…" is no key/,
  });
});
