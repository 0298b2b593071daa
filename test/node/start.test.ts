import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { startNode } from "../../src/node/start.ts";
import { atEnd } from "../support/cleanup.ts";
import { startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { aNode, FaultyDisk, NIGHT, nodeOptions, SHOP } from "./a-node.ts";
import { asleep } from "./functions/night.ts";

const GREETER = new URL("../../examples/greeter/greeter.js", import.meta.url).pathname;

test("functions are called, and remember", async (t) => {
  const node = await aNode(t);
  assert.equal(await node.call("test/counter/a", 2), 2);
  assert.equal(await node.call("test/counter/a", 3), 5);
  assert.equal(await node.call("test/counter/b", 1), 1);
  await node.send("test/counter/a", 5);
  await until("the sent message", async () => (await node.call("test/counter/a", "?")) === 10);
});

test("the greeter of the examples runs inside the node", async (t) => {
  const node = await aNode(
    t,
    `kind: io.statefold.embedded.v1/functions\nspec: {module: ${JSON.stringify(GREETER)}}`,
  );
  assert.equal(
    await node.call("example/greeter/Ada", "Hello"),
    "Hello, Ada! You were here 1 times.",
  );
});

test("a restart on the same directory keeps everything", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const first = await aNode(t, SHOP, { dataDir, partitions: 3 });
  for (const id of ["a", "b", "c", "d"]) await first.call(`test/counter/${id}`, 7);
  await first.post("/v1/topics/orders?key=ada", '{"item":"tea"}');
  await first.call("test/alarm/a", "1h");
  const once = { "idempotency-key": "k1" };
  assert.equal(await first.call("test/counter/once", 1, once), 1);
  await until("the receipt", async () => (await first.ask("/v1/topics/receipts")).status === 200);
  await first.node.stop();

  const second = await aNode(t, SHOP, { dataDir });
  for (const id of ["a", "b", "c", "d"])
    assert.equal(await second.call(`test/counter/${id}`, "?"), 7);
  assert.equal(await second.call("test/counter/once", 1, once), 1, "done once, answered the same");
  assert.equal((await second.list("timers")).length, 1);
  assert.equal((await second.list("partitions")).length, 3);
  await second.post("/v1/topics/orders?key=ada", '{"item":"milk"}');
  const receipts = await until("the second receipt", async () => {
    const { text } = await second.ask("/v1/topics/receipts");
    return text.includes("milk") ? text : undefined;
  });
  const values = receipts.trim().split("\n");
  assert.deepEqual(
    values.map((line) => (JSON.parse(line) as { value: string }).value),
    ["1: tea", "2: milk"],
    "the order of before was not taken again",
  );
});

test("in memory nothing is kept", async (t) => {
  const first = await aNode(t);
  await first.call("test/counter/a", 7);
  await first.node.stop();
  assert.equal(await (await aNode(t)).call("test/counter/a", "?"), 0);
});

test("a directory that another process uses is refused, with the holder's name", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const options = nodeOptions(t, NIGHT, { dataDir });
  const holder = await startScript(t, {
    script: new URL("../../src/cli/main.js", import.meta.url),
    args: (port) => ["run", ...options.modules, "--data", dataDir, "--port", String(port)],
    ready: /^ready$/m,
  });
  await assert.rejects(startNode(options), (error: Error & { code: string }) => {
    assert.equal(error.code, "STORE_LOCKED");
    assert.match(error.message, new RegExp(`process ${holder.pid}\\b`));
    return true;
  });
  await holder.kill();
  const node = await startNode(options);
  await node.stop();
});

test("the directory of another application is refused, and stays as it was", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const first = await aNode(t, NIGHT, { dataDir, application: "shop" });
  await first.call("test/counter/a", 7);
  await first.node.stop();
  await assert.rejects(startNode(nodeOptions(t, NIGHT, { dataDir, application: "bank" })), {
    code: "STORE_FOREIGN",
    message: /belongs to the application "shop", not to "bank"/,
  });
  const again = await aNode(t, NIGHT, { dataDir, application: "shop" });
  assert.equal(await again.call("test/counter/a", "?"), 7);
});

test("a start that fails half-way closes what it opened", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  atEnd(t, () => taken.close());
  const { port } = taken.address() as AddressInfo;
  const disk = new FaultyDisk();
  await assert.rejects(startNode(nodeOptions(t, SHOP, { dataDir, port }), disk.open), {
    code: "CONFIG_INVALID",
    message: /cannot listen on 127\.0\.0\.1:\d+/,
  });
  assert.deepEqual([disk.openings, disk.closed], [1, 1]);
  const node = await aNode(t, SHOP, { dataDir });
  assert.equal(await node.call("test/counter/a", 1), 1);
});

test("stopping may be done twice, and at the same time", async (t) => {
  const { node } = await aNode(t, SHOP, { dataDir: join(tempDir(t), "data"), partitions: 2 });
  await Promise.all([node.stop(), node.stop()]);
  await node.stop();
  await node.drain(1_000);
  assert.equal(await node.ended, undefined);
});

test("a start during which a partition gives up fails with its reason", async (t) => {
  const disk = new FaultyDisk();
  disk.refuses = (partition) => partition === 0;
  disk.opens = async (partition) => {
    // The second is as slow as the first is hopeless.
    if (partition === 1) await until("the first to give up", () => disk.openings === 5);
    if (partition === 1) await until("its last life to end", () => disk.closed === 4);
  };
  await assert.rejects(startNode(nodeOptions(t, NIGHT, { partitions: 2 }), disk.open), {
    code: "INTERNAL",
    message: "partition 0 cannot go on",
  });
  assert.equal(disk.closed, disk.openings);
});

test("a drain lets calls in flight finish, and refuses what is new", async (t) => {
  const node = await aNode(t);
  const call = node.call("test/sleeper/drain", "good night");
  const rest = await until("the sleeper", () => asleep.get("drain"));
  const drained = node.node.drain(10_000);
  const late = await node.post("/v1/call/test/counter/a", 1);
  assert.deepEqual([late.status, (late.json as { code: string }).code], [503, "UNAVAILABLE"]);
  const { status, text } = await node.ask("/health/ready");
  assert.equal(status, 503);
  assert.match(text, /draining/);
  rest.resolve();
  assert.equal(await call, "good night, slept");
  await drained;
  await assert.rejects(fetch(node.url));
});

test("a drain finishes what was accepted, and ends followers as if all were read", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const first = await aNode(t, SHOP, { dataDir });
  await first.send("test/sleeper/sent", "good night");
  const rest = await until("the sleeper", () => asleep.get("sent"));
  const follower = await fetch(`${first.url}/v1/topics/orders?follow=true`);
  const drained = first.node.drain(10_000);
  assert.equal(await follower.text(), "");
  rest.resolve();
  await drained;
  const second = await aNode(t, SHOP, { dataDir });
  const [partition] = await second.list<{ pending: number; finished: number }>("partitions");
  assert.deepEqual([partition?.pending, partition?.finished], [0, 1]);
});

test("a drain that takes too long becomes a stop, and what was accepted is there again", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const first = await aNode(t, NIGHT, { dataDir });
  await first.send("test/sleeper/late", "good night");
  await until("the sleeper", () => asleep.get("late"));
  await first.node.drain(20);
  asleep.delete("late");
  const second = await aNode(t, NIGHT, { dataDir });
  const rest = await until("the sleeper, called again", () => asleep.get("late"));
  rest.resolve();
  await until("its mail to be done", async () => {
    const [partition] = await second.list<{ pending: number }>("partitions");
    return partition?.pending === 0;
  });
});

test("a partition whose commit fails is opened anew, and nothing unacknowledged is kept", async (t) => {
  const disk = new FaultyDisk();
  const node = await aNode(t, NIGHT, {}, disk.open);
  assert.equal(await node.call("test/counter/a", 1), 1);
  disk.refuses = () => true;
  const lost = await node.post("/v1/call/test/counter/a", 10);
  assert.deepEqual([lost.status, (lost.json as { code: string }).code], [503, "UNAVAILABLE"]);
  assert.equal((await node.ask("/health/ready")).status, 503);
  disk.refuses = () => false;
  await until("the partition to be open", async () => {
    return (await node.ask("/health/ready")).status === 200;
  });
  assert.equal(await node.call("test/counter/a", 1), 2);
  assert.equal((await node.ask("/health/live")).status, 200);
});

test("a disk that keeps failing ends the node with its reason", async (t) => {
  const disk = new FaultyDisk();
  const node = await aNode(t, NIGHT, {}, disk.open);
  disk.refuses = () => true;
  assert.equal((await node.post("/v1/send/test/counter/a", 10)).status, 503);
  const reason = await node.node.ended;
  assert.equal(reason?.message, "partition 0 cannot go on");
  assert.match(String(reason?.cause), /the disk is full/);
  assert.equal((await node.ask("/health/live")).status, 503);
  const { text } = await node.ask("/health/ready");
  assert.match(text, /partition 0 cannot go on: the disk is full/);
  await node.node.stop();
});
