import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as assume, unreachable } from "../../src/base/assert.ts";

test("a broken assumption is an error that says which", () => {
  assume(true, "never seen");
  assert.throws(
    () => assume(undefined, "there is one"),
    /^Error: broken assumption: there is one$/,
  );
});

test("a case that nobody thought of is a broken assumption", () => {
  assert.throws(() => unreachable({ kind: "new" } as never), /unexpected \{"kind":"new"\}/);
});
