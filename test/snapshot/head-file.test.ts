import assert from "node:assert/strict";
import { test } from "node:test";
import { withRetries } from "../../src/blob/retry.ts";
import { writeHead } from "../../src/snapshot/head.ts";
import { loadHead } from "../../src/snapshot/head-file.ts";
import { HEAD_KEY } from "../../src/snapshot/layout.ts";
import { FakeBlobStore, NO_FAULTS } from "../support/blob/fake.ts";
import { createRng } from "../support/rng.ts";
import { HEAD } from "./examples.ts";

test("a head that is replaced while a read of it has broken off is read anew", async () => {
  const store = new FakeBlobStore(undefined, { rng: createRng(1), chunkBytes: 64 });
  await store.put(HEAD_KEY, writeHead(HEAD));
  let reads = 0;
  store.onCall = async (operation) => {
    if (operation !== "get") return;
    store.faults = { ...NO_FAULTS, broken: ++reads === 1 ? 1 : 0 };
    if (reads === 2) await store.put(HEAD_KEY, writeHead({ ...HEAD, beat: 6 }));
  };
  const found = await loadHead(withRetries(store, { wait: async () => {} }));
  assert.equal(found?.head.beat, 6);
  assert.equal(reads, 3);
});

test("without one there is none", async () => {
  assert.equal(await loadHead(new FakeBlobStore()), undefined);
});
