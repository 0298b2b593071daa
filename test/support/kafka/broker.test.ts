import assert from "node:assert/strict";
import { test } from "node:test";
import { startBroker } from "./broker.ts";

test("a broker starts from packages, and comes back at the same address after a kill", async (t) => {
  const broker = await startBroker(t);
  assert.match(broker.address, /^127\.0\.0\.1:\d+$/);
  await broker.script.restart();
  assert.equal(broker.script.url, `http://127.0.0.1:${broker.script.port}`);
});
