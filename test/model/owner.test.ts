import assert from "node:assert/strict";
import { test } from "node:test";
import { CALL_TYPE, ownerOf, partitionOfSource } from "../../src/model/owner.ts";
import { partitionOf } from "../../src/model/partitioner.ts";

const at = (id: string, type = "test/function") => ({ type, id });

test("an address belongs to the partition of its id, whatever its type", () => {
  for (const id of ["a", "b", "user-17"]) {
    assert.equal(ownerOf(at(id), 7), partitionOf(id, 7));
    assert.equal(ownerOf(at(id, "other/type"), 7), partitionOf(id, 7));
  }
});

test("a call belongs to the partition that took it, and one no partition can have taken to nobody", () => {
  assert.equal(ownerOf({ type: CALL_TYPE, id: "3-1-a-xyz" }, 8), 3);
  for (const id of ["", "x", "-1", "1234567-1", "3"]) {
    assert.equal(ownerOf({ type: CALL_TYPE, id }, 8), undefined, id);
  }
});

test("a source is read by the partition of its last number", () => {
  assert.equal(partitionOfSource("log/ns/in/topic/5", 3), 2);
  assert.equal(partitionOfSource("log/ns/in/topic/5", 8), 5);
});
