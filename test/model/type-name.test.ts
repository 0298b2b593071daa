import assert from "node:assert/strict";
import { test } from "node:test";
import { isTypeName, splitTypeName } from "../../src/model/type-name.ts";

test("a type name is a namespace and a name with one slash between them", () => {
  assert.deepEqual(splitTypeName("io.statefun.types/string"), {
    namespace: "io.statefun.types",
    name: "string",
  });
});

test("anything else is none", () => {
  for (const text of ["", "/", "a", "a/", "/b", "a/b/c", "a//b"]) {
    assert.equal(splitTypeName(text), undefined, text);
    assert(!isTypeName(text));
  }
});
