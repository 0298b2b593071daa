import assert from "node:assert/strict";
import { test } from "node:test";
import { threadLogger } from "../../../src/node/threads/thread-logger.ts";

test("a line of a thread goes to the main thread with its level, its fields and its text", () => {
  const said: unknown[] = [];
  const logger = threadLogger("info", (level, fields, text) => said.push([level, fields, text]));
  const child = logger.child({ partition: 3 });
  child.warn({ reason: "torn" }, "The partition lost its memory.");
  child.info("Without fields.");
  child.debug("Too quiet.");
  assert.deepEqual(said, [
    ["warn", { partition: 3, reason: "torn" }, "The partition lost its memory."],
    ["info", { partition: 3 }, "Without fields."],
  ]);
});
