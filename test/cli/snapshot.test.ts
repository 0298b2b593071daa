import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { aNode, NIGHT } from "../node/a-node.ts";
import { tempDir } from "../support/temp.ts";
import { cli as cliAt, FakeIo } from "./fake-io.ts";

const cli = (args: readonly string[]) => new FakeIo().run(args);

test("snapshots are listed, verified, restored elsewhere, and forked", async (t) => {
  const dir = tempDir(t);
  const [url, dataDir] = [join(dir, "snapshots"), join(dir, "data")];
  assert.match((await cli(["snapshot", "list", url])).err, /no snapshots yet/);
  const snapshots = { url, everyMs: undefined };
  for (let i = 1; i <= 2; i++) {
    const node = await aNode(t, NIGHT, { dataDir, snapshots });
    await node.call("test/counter/a", 1);
    await node.node.drain(5_000);
  }
  const listed = await cli(["snapshot", "list", url]);
  assert.match(listed.out, /SNAPSHOT +TAKEN[^\n]+\n +1 .*statefold +1 [^\n]+\n +2 /);
  const json = JSON.parse((await cli(["snapshot", "list", url, "--json"])).out);
  assert.deepEqual(
    json.map(({ barrier }: { barrier: number }) => barrier),
    [1, 2],
  );
  assert.equal((await cli(["snapshot", "verify", url])).code, 0);

  const older = join(dir, "older");
  const restoring = ["snapshot", "restore", url, "--data", older, "--at", "1", "--partitions", "3"];
  const restored = await cli([...restoring, "--as", "fork"]);
  assert.equal(restored.code, 0, restored.err);
  assert.match(restored.out, /snapshot 1 of "statefold" as "fork", .* in 3 partitions/);
  const fork = await aNode(t, NIGHT, { dataDir: older, application: "fork" });
  assert.equal(await fork.call("test/counter/a", "?"), 1);
  const again = await cli(restoring);
  assert.match(again.err, /holds data/);
  assert.match((await cli(["snapshot", "restore", url])).err, /--data DIR is missing/);
  const none = await cli(["snapshot", "restore", url, "--data", join(dir, "x"), "--at", "9"]);
  assert.match(none.err, /there is no snapshot 9; there are 1, 2/);

  const segments = join(url, "segments", "2");
  for (const name of readdirSync(segments)) writeFileSync(join(segments, name), "x");
  const verified = await cli(["snapshot", "verify", url]);
  assert.equal(verified.code, 1);
  assert.match(verified.out, / 1 .* whole\n +2 .*damaged/);
  rmSync(join(url, "manifests"), { recursive: true });
  assert.match((await cli(["snapshot", "list", url])).out, /is missing/);
});

test("a running node takes a snapshot when it is told to, and its status names the last one", async (t) => {
  const dir = tempDir(t);
  const snapshots = { url: join(dir, "snapshots"), everyMs: undefined };
  const node = await aNode(t, NIGHT, { dataDir: join(dir, "data"), snapshots });
  assert.doesNotMatch((await cliAt(node.url, ["status"])).out, /^last snapshot/m);
  await node.call("test/counter/a", 1);
  const taken = await cliAt(node.url, ["snapshot", "now"]);
  assert.match(taken.out, /^1 {2}\S+ \S+ written in \d+ ms/, taken.err);
  const again = JSON.parse((await cliAt(node.url, ["snapshot", "now", "--json"])).out);
  assert.equal(again.barrier, 2);
  assert(again.writtenBytes > 0 && again.elapsedMs > 0, JSON.stringify(again));
  assert.match((await cliAt(node.url, ["status"])).out, /^last snapshot 2, /m);
  assert.match((await cli(["snapshot", "list", snapshots.url])).out, / 1 .*\n +2 /);
  rmSync(snapshots.url, { recursive: true });
  writeFileSync(snapshots.url, "no folder any more");
  const lost = await cliAt(node.url, ["snapshot", "now"]);
  assert.deepEqual([lost.code, lost.out], [1, ""]);
  assert.match(lost.err, /snapshot 3 was given up: .*\[SNAPSHOT_ABANDONED\]/);
  assert.match(
    (await cliAt(node.url, ["status"])).out,
    /^last snapshot 2, .*\nsnapshot 3 was given up/m,
  );
});

test("a node that keeps no snapshots says so", async (t) => {
  const node = await aNode(t, NIGHT);
  const { code, err } = await cliAt(node.url, ["snapshot", "now"]);
  assert.deepEqual([code, /without --snapshots URL \[NOT_FOUND\]/.test(err)], [1, true], err);
});
