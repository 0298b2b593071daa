import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { examine } from "../../src/doctor/examine.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { makeScene, startOn, tellAll, workedOff } from "./scene.ts";
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

test("a loss that is accepted leaves a directory that fits together, and is no loss any more", async (t) => {
  const root = tempDir(t);
  const { dir, told } = await makeScene(root);
  const database = join(dir, "partitions", "0");
  const log = readdirSync(database).find((name) => name.endsWith(".log")) ?? "";
  const bytes = readFileSync(join(database, log));
  const at = Math.floor(bytes.byteLength / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(join(database, log), bytes);
  await assert.rejects(startOn(root, dir), {
    code: "STORE_BEHIND_WITNESS",
    message: new RegExp(`${log}, byte \\d+: .* written after it`),
  });
  const node = await startOn(root, dir, true);
  t.after(() => node.node.stop());
  await node.call("test/counter/ada", 1);
  await node.call("test/counter/eve", 1);
  // The orders of the lost epochs are read again, and have given their numbers when they are receipts.
  await until("every shop is where it was", async () => {
    for (const [path, text] of told) {
      if (path.includes("/state/test/shop/")) assert.equal((await node.ask(path)).text, text);
    }
    return true;
  });
  await workedOff(node);
  await node.node.stop();
  const { findings } = await examine(dir, Date.now());
  assert.deepEqual(findings, []);
  assert.deepEqual(readFileSync(join(database, `${log}.damaged`)), bytes);
  const again = await startOn(root, dir);
  t.after(() => again.node.stop());
  assert.equal(
    [...(await tellAll(again)).values()].filter((text) => /^error/.test(text)).length,
    0,
  );
  await again.node.stop();
});
