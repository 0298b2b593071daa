import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordQueue } from "../../src/egress/record-queue.ts";

test("a long queue gives everything back in order, and its room with it", () => {
  const queue = new RecordQueue(["a", "b"], { maxRecords: 5000, maxBytes: 1e9 });
  for (let i = 0; i < 5000; i++) assert(queue.push(i % 2 === 0 ? "a" : "b", `${i}`));
  assert(!queue.push("a", "one more"));
  for (let i = 0; i < 5000; i++) assert.equal(queue.shift(i % 2 === 0 ? "a" : "b"), `${i}`);
  assert.equal(queue.shift("a"), undefined);
  assert.deepEqual([queue.size, queue.bytes], [0, 0]);
  assert(queue.push("a", "again"));
  assert.equal(queue.shift("a"), "again");
  assert.equal(queue.shift("unknown"), undefined);
});
