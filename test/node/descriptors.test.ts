import assert from "node:assert/strict";
import { test } from "node:test";
import { shareDescriptors } from "../../src/node/descriptors.ts";

const WANTED = { maxConnections: 20_000, maxOpenFiles: 128 };

test("half of the descriptors are for connections, a quarter for the topic log", () => {
  assert.deepEqual(shareDescriptors(WANTED, 256), { maxConnections: 128, maxOpenFiles: 64 });
  assert.deepEqual(shareDescriptors(WANTED, 1_000_000), WANTED);
  assert.deepEqual(shareDescriptors(WANTED, 1), { maxConnections: 1, maxOpenFiles: 1 });
});

test("where the system sets no limit there is none", () => {
  const { maxConnections } = shareDescriptors(WANTED);
  assert(maxConnections > 0 && maxConnections <= WANTED.maxConnections);
});
