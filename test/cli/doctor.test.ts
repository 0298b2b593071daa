import assert from "node:assert/strict";
import { readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { aNode } from "../node/a-node.ts";
import { broken } from "../node/functions/night.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { FakeIo, type Finished } from "./fake-io.ts";

function doctor(...args: string[]): Promise<Finished> {
  return new FakeIo().run(["doctor", ...args]);
}

async function stopped(t: TestContext): Promise<string> {
  const dir = join(tempDir(t), "data");
  const node = await aNode(t, undefined, { dataDir: dir, partitions: 2 });
  broken.add("stuck");
  await node.call("test/counter/one", 1);
  await node.call("test/alarm/one", "400d");
  await node.call("test/gossip/one", "psst");
  await node.send("test/fragile/stuck", "first");
  await until("it is parked", async () => (await node.list("parked")).length === 1);
  await node.node.stop();
  return dir;
}

test("a healthy directory is shown on a page, and the exit code is 0", async (t) => {
  const dir = await stopped(t);
  const { code, out, err } = await doctor(dir);
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /format 1, application "statefold", 2 partitions, made 20/);
  assert.match(out, /^PARTITION +EPOCH +WITNESS/m);
  assert.match(out, /^next delayed message: 20.*, in 400 d$/m);
  assert.match(out, /^test\/fragile +stuck +1 .*FUNCTION_FAILED/m);
  assert.match(out, /^TARGET_UNKNOWN +1$/m);
  assert.match(out, /statefold parked list/);
  assert.match(out, /healthy: every checksum and every sum is right\n$/);
});

test("each finding says where, what it means and what to do, and the exit code is 1", async (t) => {
  const dir = await stopped(t);
  const database = join(dir, "partitions", "0");
  const log = readdirSync(database).find((name) => name.endsWith(".log")) ?? "";
  truncateSync(join(database, log), 10);
  const { code, out } = await doctor(dir);
  assert.equal(code, 1);
  assert.match(out, /^1\. damage: partitions\/0: .*ends at epoch 0, but epoch \d+ was synced/m);
  assert.match(out, /^ {3}means: A node does not start.*acknowledged are gone/m);
  assert.match(out, /^ {3}do: Keep a copy.*restore.*--accept-loss/m);
  assert.match(out, /^1 finding$/m);
});

test("programs get the same as JSON", async (t) => {
  const dir = await stopped(t);
  rmSync(join(dir, "witness", "1"));
  const { code, out } = await doctor(dir, "--json");
  assert.equal(code, 1);
  const found = JSON.parse(out) as {
    healthy: boolean;
    findings: { kind: string; where: string }[];
    partitions: { addresses: number; whole: boolean }[];
  };
  assert.equal(found.healthy, false);
  assert.deepEqual(
    found.findings.map(({ kind, where }) => [kind, where]),
    [["damage", "witness/1"]],
  );
  assert.deepEqual(
    found.partitions.map(({ whole }) => whole),
    [true, true],
  );
});

test("a folder that is no data directory is an error, and none at all wrong usage", async (t) => {
  const foreign = await doctor(tempDir(t));
  assert.equal(foreign.code, 1);
  assert.match(foreign.err, /is no data directory.*\[STORE_FOREIGN\]/);
  assert.equal((await doctor()).code, 2);
});
