import assert from "node:assert/strict";
import { test } from "node:test";
import { tempDir } from "../support/temp.ts";
import { makeScene } from "./scene.ts";
import { describeVariant, runVariant, type Variant } from "./variants.ts";

/** `npm run damage -- 5000` runs more. */
const SEEDS = 70;

test("whatever is damaged, all that was acknowledged is there and right, or it is refused by name", async (t) => {
  const root = tempDir(t);
  const scene = await makeScene(root);
  const variants: Variant[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const variant = await runVariant(root, scene, seed);
    if (variant !== undefined) variants.push(variant);
  }
  const problems = variants.filter(({ problem }) => problem !== undefined);
  assert.deepEqual(problems.map(describeVariant), []);
  const count = (test: (each: Variant) => boolean) => variants.filter(test).length;
  assert(count(({ outcome }) => outcome.kind === "intact") > SEEDS / 10, "some do no harm");
  for (const at of ["start", "touch"]) {
    const refused = count(({ outcome }) => outcome.kind === "refused" && outcome.at === at);
    assert(refused > SEEDS / 10, `some are refused at ${at}`);
  }
});
