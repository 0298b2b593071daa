import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { describeError } from "../../../src/base/errors.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";
import { aNode, SHOP, type TestNode } from "../a-node.ts";
import { RING } from "../functions/trouble.ts";

/* Whole nodes whose partitions sit on three threads. */

const TROUBLE = `
kind: io.statefold.embedded.v1/functions
spec:
  module: ${JSON.stringify(fileURLToPath(new URL("../functions/trouble.js", import.meta.url)))}
`;

const MODULE = `${SHOP}---${TROUBLE}`;

const threaded = (t: TestContext, dataDir: string | undefined, more = {}): Promise<TestNode> =>
  aNode(t, MODULE, { dataDir, threads: 3, ...more });

async function ringCounts(node: TestNode): Promise<number[]> {
  const ids = Array.from({ length: RING }, (_, i) => `test/ring/r${i}`);
  return await Promise.all(ids.map(async (id) => Number(await node.call(id, "?"))));
}

test("what functions tell each other goes from thread to thread, each message once", async (t) => {
  const node = await threaded(t, undefined, { partitions: 7 });
  for (let i = 0; i < RING; i++) await node.send(`test/ring/r${i}`, 3 * RING - 1);
  await until("all to be told", async () => (await ringCounts(node)).every((n) => n >= 3 * RING));
  assert(
    (await ringCounts(node)).every((n) => n === 3 * RING),
    "and no message twice",
  );
  const partitions = await node.list<{ accepted: number; finished: number }>("partitions");
  assert.equal(partitions.length, 7);
  assert(partitions.filter(({ accepted }) => accepted > 0).length >= 3);
});

test("a restart keeps everything, on as many threads or another number", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const ids = ["a", "b", "c", "d", "e"];
  const first = await threaded(t, dataDir);
  for (const id of ids) assert.equal(await first.call(`test/counter/${id}`, 7), 7);
  for (const id of ids) await first.post(`/v1/topics/orders?key=${id}`, '{"item":"tea"}');
  const receipts = async (node: TestNode): Promise<string[]> => {
    const { status, text } = await node.ask("/v1/topics/receipts");
    return status === 200 ? text.trim().split("\n") : [];
  };
  await until("the receipts", async () => (await receipts(first)).length === ids.length);
  assert.equal(
    (await first.list("partitions")).length,
    3,
    "a new directory has as many partitions",
  );
  const once = { "idempotency-key": "k1" };
  assert.equal(await first.call("test/counter/once", 1, once), 1);
  await first.node.drain(5_000);
  for (const [i, threads] of [1, 2].entries()) {
    const next = await threaded(t, dataDir, { threads });
    for (const id of ids) assert.equal(await next.call(`test/counter/${id}`, "?"), 7);
    assert.equal(await next.call("test/counter/once", 1, once), 1, "done once");
    assert.equal((await next.list("addresses")).length, 2 * ids.length + 1);
    await next.post("/v1/topics/orders?key=a", '{"item":"milk"}');
    const count = ids.length + 1 + i;
    await until("the next receipt", async () => (await receipts(next)).length === count);
    await next.node.stop();
  }
});

test("metrics, status and lists are of all threads together", async (t) => {
  const node = await threaded(t, undefined);
  for (const id of ["a", "b", "c", "d"]) await node.call(`test/counter/${id}`, 1);
  const { text } = await node.ask("/metrics");
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, "gm"))].reduce(
      (all, [, value]) => all + Number(value),
      0,
    );
  // Each call is two messages: to the function, and its reply.
  assert.equal(sum("statefold_partition_finished_messages_total"), 8);
  assert.equal(sum("statefold_partition_handled_messages_total"), 4);
  assert(sum("statefold_commit_seconds_count") > 3);
  assert.match(text, /statefold_thread_heap_used_bytes\{thread="2"\}/);
  assert.deepEqual((await node.ask("/health/ready")).json, { ready: true });
  // So are lists, and decisions find their thread.
  for (const id of ["a", "b", "c"]) await node.send(`test/gossip/${id}`, "psst");
  const dead = await until("the dead letters", async () => {
    const found = await node.list<{ id: string; code: string }>("dead");
    return found.length === 3 && found;
  });
  assert.deepEqual(new Set(dead.map(({ code }) => code)), new Set(["TARGET_UNKNOWN"]));
  for (const { id } of dead) {
    const detail = await node.ask(`/v1/admin/dead/${id}`);
    assert.match(detail.text, /psst/);
    const purged = await node.ask(`/v1/admin/dead/${id}`, { method: "DELETE" });
    assert.equal(purged.status, 200, purged.text);
  }
  assert.deepEqual(await node.list("dead"), []);
});

for (const [how, reason] of [
  ["throw", /thread \d \(partitions \d\) has ended: nobody catches this/],
  ["exit", /thread \d \(partitions \d\) has ended: it left with 3/],
] as const) {
  test(`a thread that ends by itself (${how}) ends the node, and nothing acknowledged is lost`, async (t) => {
    const dataDir = join(tempDir(t), "data");
    const lines: string[] = [];
    const logger = createLogger({ readable: false, write: (line) => void lines.push(line) });
    const first = await threaded(t, dataDir, { threads: 2, logger });
    for (const id of ["a", "b", "c"]) assert.equal(await first.call(`test/counter/${id}`, 5), 5);
    const asked = first.post("/v1/call/test/bomb/x", how);
    const error = await first.node.ended;
    assert.equal(error?.code, "THREAD_ENDED");
    assert.match(describeError(error), reason);
    if (how === "throw")
      assert.match(lines.join(), /"stack":"Error: nobody catches .*trouble\.js:/);
    assert.equal((await asked).status, 500);
    assert.equal((await first.ask("/health/live")).status, 503);
    await first.node.stop();

    const second = await threaded(t, dataDir, { threads: 1 });
    for (const id of ["a", "b", "c"]) assert.equal(await second.call(`test/counter/${id}`, "?"), 5);
    await second.node.stop();
  });
}

test("functions that do not load on a thread keep the node from starting, with their reason", async (t) => {
  const missing = `kind: io.statefold.embedded.v1/functions\nspec: {module: ${JSON.stringify(join(import.meta.dirname, "line.test.js"))}}`;
  await assert.rejects(aNode(t, missing, { threads: 2 }), {
    code: "CONFIG_INVALID",
    message: /exports no function|cannot be loaded/,
  });
});

test("more threads than partitions are not used, and that is said", async (t) => {
  const lines: string[] = [];
  const logger = createLogger({ readable: false, write: (line) => void lines.push(line) });
  const node = await aNode(t, TROUBLE, { threads: 3, partitions: 2, logger });
  assert(lines.some((line) => line.includes("more threads than partitions")));
  const { text } = await node.ask("/metrics");
  assert.match(text, /thread="1"/);
  assert.doesNotMatch(text, /thread="2"/);
});
