import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean, nearest } from "../../src/base/nearest.ts";

const FIELDS = ["address", "consumerGroupId", "topics", "id"];

test("a slip of the pen is recognised: left out, added, replaced, swapped, or in another case", () => {
  for (const slip of ["adress", "addresss", "addrezz", "adderss", "ADDRESS"]) {
    assert.equal(nearest(slip, FIELDS), "address", slip);
  }
});

test("the closest of several is taken", () => {
  assert.equal(nearest("topic", ["tropics", "topics"]), "topics");
});

test("a short word allows one edit, and something else is nothing", () => {
  assert.equal(nearest("di", FIELDS), "id");
  assert.equal(nearest("xy", FIELDS), undefined);
  assert.equal(nearest("transport", FIELDS), undefined);
  assert.equal(nearest("a".repeat(10_000), FIELDS), undefined);
});

test("the tail of a message is empty when there is nothing to suggest", () => {
  assert.equal(didYouMean("adress", FIELDS), '; did you mean "address"?');
  assert.equal(didYouMean("transport", FIELDS), "");
});
