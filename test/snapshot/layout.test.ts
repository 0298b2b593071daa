import assert from "node:assert/strict";
import { test } from "node:test";
import { isKey } from "../../src/blob/key.ts";
import {
  attemptOf,
  attemptOfSnapshot,
  HEAD_KEY,
  isSnapshotName,
  manifestKey,
  segmentKey,
  snapshotName,
} from "../../src/snapshot/layout.ts";

const ATTEMPT = { barrier: 41, term: 3 };

test("every object says by its name which attempt it is of", () => {
  const name = snapshotName(ATTEMPT);
  assert.deepEqual(attemptOfSnapshot(name), ATTEMPT);
  for (const key of [manifestKey(name), segmentKey(ATTEMPT, 7, 12)]) {
    assert(isKey(key), key);
    assert.deepEqual(attemptOf(key), ATTEMPT);
  }
  for (const key of [HEAD_KEY, "segments/1/x.seg", "manifests/1-1.json", "other"]) {
    assert.equal(attemptOf(key), undefined, key);
  }
});

test("names sort as their snapshots do", () => {
  const names = [9, 10, 99, 100, 1_000_000].map((barrier) => snapshotName({ barrier, term: 1 }));
  assert.deepEqual([...names].sort(), names);
  assert(names.every(isSnapshotName));
  assert(!isSnapshotName("head"));
});
