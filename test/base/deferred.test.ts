import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";

test("a deferred is resolved from outside, once", async () => {
  const it = deferred<number>();
  it.resolve(1);
  it.resolve(2);
  it.reject(new Error("too late"));
  assert.equal(await it.promise, 1);
});

test("a deferred is rejected from outside", async () => {
  const it = deferred<number>();
  it.reject(new Error("no"));
  await assert.rejects(it.promise, /no/);
});
