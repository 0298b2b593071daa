import assert from "node:assert/strict";
import { test } from "node:test";
import { Closing } from "../../src/node/closing.ts";

test("what was opened last is closed first, once, whatever fails", async () => {
  const closing = new Closing();
  const order: string[] = [];
  closing.add(async () => {
    order.push("first");
  });
  closing.add(() => Promise.reject(new Error("it hangs")));
  closing.add(async () => {
    order.push("last");
    throw new Error("it is broken");
  });
  const all = closing.close();
  assert.equal(closing.close(), all);
  await assert.rejects(all, {
    name: "AggregateError",
    message: "not everything could be closed: it is broken; it hangs",
  });
  assert.deepEqual(order, ["last", "first"]);
});
