import assert from "node:assert/strict";
import { test } from "node:test";
import { typeNameOf } from "../../src/invoke/type-names.ts";
import { createRng } from "../support/rng.ts";

test("a type name is put together as ever, whatever is remembered of others", () => {
  const rng = createRng(3);
  const parts = ["", "a", "b", "ab", "/", "é", "counter", "x".repeat(200)];
  for (let i = 0; i < 5_000; i++) {
    const namespace = rng.pick(parts) + rng.pick(parts);
    const name = rng.pick(parts) + rng.pick(parts);
    assert.equal(typeNameOf(namespace, name), `${namespace}/${name}`);
  }
});
