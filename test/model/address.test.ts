import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addressKey,
  addressOfKey,
  addressProblem,
  MAX_ID_LENGTH,
  MAX_TYPE_LENGTH,
  sameAddress,
} from "../../src/model/address.ts";

test("a type name and an id make an address; any text is an id", () => {
  for (const id of ["a", "a/b/c", " ", "\u0000", "😀", "x".repeat(MAX_ID_LENGTH)]) {
    assert.equal(addressProblem({ type: "ns/name", id }), undefined, id.slice(0, 20));
  }
});

test("what nothing can have as an address is told with its reason", () => {
  const reasons: readonly (readonly [string, string, RegExp])[] = [
    ["name", "x", /"name" is no function type: namespace\/name/],
    ["a/b/c", "x", /is no function type/],
    ["/name", "x", /is no function type/],
    ["", "x", /"" is no function type/],
    ["ns/name", "", /its id is empty/],
    [`ns/${"n".repeat(MAX_TYPE_LENGTH)}`, "x", /its type has more than 1024/],
    ["ns/name", "x".repeat(MAX_ID_LENGTH + 1), /its id has more than 4096/],
  ];
  for (const [type, id, reason] of reasons) {
    assert.match(addressProblem({ type, id }) ?? "", reason);
  }
});

test("one string stands for one address, and gives it back", () => {
  for (const id of ["a", "a/b", "/", "//x"]) {
    const address = { type: "ns/name", id };
    assert.deepEqual(addressOfKey(addressKey(address)), address);
  }
  assert.notEqual(
    addressKey({ type: "a/b", id: "c/d" }),
    addressKey({ type: "a/b/c", id: "d" }).slice(1),
  );
});

test("addresses are the same when both parts are", () => {
  const address = { type: "ns/name", id: "a" };
  assert(sameAddress(address, { ...address }));
  assert(!sameAddress(address, { ...address, id: "b" }));
  assert(!sameAddress(address, { ...address, type: "ns/other" }));
});
