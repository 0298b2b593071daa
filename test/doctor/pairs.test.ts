import assert from "node:assert/strict";
import { test } from "node:test";
import { Differences, Fingerprint } from "../../src/doctor/pairs.ts";
import { createRng } from "../support/rng.ts";

const things = Array.from({ length: 5_000 }, (_, i) => Buffer.from(`thing ${i}`));

function fingerprint(of: readonly Uint8Array[]): Fingerprint {
  const made = new Fingerprint();
  for (const thing of of) made.add(thing);
  return made;
}

test("the same things in another order are the same", () => {
  const one = fingerprint(things);
  assert.equal(one.size, 5_000);
  assert.equal(one.difference(fingerprint(createRng(1).shuffle(things))).size, 0);
});

test("what is in one alone is found by looking again at a few", () => {
  const [left, right] = [things.slice(1), things.slice(0, -2)];
  const buckets = fingerprint(left).difference(fingerprint(right));
  assert.equal(buckets.size, 3);
  const differences = new Differences(buckets);
  for (const thing of left) differences.add(thing, 1);
  for (const thing of right) differences.add(thing, -1);
  const texts = (side: 1 | -1) =>
    differences
      .only(side)
      .map((thing) => Buffer.from(thing).toString())
      .sort();
  assert.deepEqual(texts(1), ["thing 4998", "thing 4999"]);
  assert.deepEqual(texts(-1), ["thing 0"]);
  assert(differences.isWhole);
});
