import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { unlessAborted } from "../../src/base/unless-aborted.ts";

test("the outcome comes through, and leaves nothing behind", async () => {
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) {
    assert.equal(await unlessAborted(Promise.resolve(i), signal), i);
    await assert.rejects(unlessAborted(Promise.reject(new Error("no")), signal), /^Error: no$/);
  }
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("all who wait hear of the abort at once, and nobody of what comes later", async () => {
  const controller = new AbortController();
  const late = deferred<number>();
  const waits = [1, 2, 3].map(() => unlessAborted(late.promise, controller.signal));
  const other = unlessAborted(Promise.resolve("in time"), controller.signal);
  assert.equal(await other, "in time");
  controller.abort(new Error("over"));
  late.reject(new Error("too late"));
  for (const wait of waits) await assert.rejects(wait, /^Error: over$/);
});

test("a signal that was aborted before wins over what is there already", async () => {
  const signal = AbortSignal.abort(new Error("before"));
  await assert.rejects(unlessAborted(Promise.resolve(1), signal), /before/);
  await assert.rejects(unlessAborted(Promise.reject(new Error("too late")), signal), /before/);
});
