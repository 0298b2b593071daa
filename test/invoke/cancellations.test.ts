import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Cancellations } from "../../src/invoke/cancellations.ts";

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}

test("an aborted signal ends all that was handed to it, and nothing else", () => {
  const cancellations = new Cancellations();
  const [one, other] = [new AbortController(), new AbortController()];
  const ended: string[] = [];
  const kept = { cancel: () => ended.push("deleted") };
  cancellations.add(one.signal, { cancel: () => ended.push("a") });
  cancellations.add(one.signal, { cancel: () => ended.push("b") });
  cancellations.add(one.signal, kept);
  cancellations.add(other.signal, { cancel: () => ended.push("c") });
  cancellations.delete(one.signal, kept);
  assert.equal(listeners(one.signal), 1);
  one.abort();
  assert.deepEqual(ended, ["a", "b"]);
  cancellations.cancelAll();
  assert.deepEqual(ended, ["a", "b", "c"]);
  assert.equal(listeners(other.signal), 0);
});

test("a signal with nothing behind it has no listener", () => {
  const cancellations = new Cancellations();
  const { signal } = new AbortController();
  const nothing = { cancel: () => {} };
  cancellations.add(signal, nothing);
  cancellations.delete(signal, nothing);
  cancellations.delete(signal, nothing);
  assert.equal(listeners(signal), 0);
});
