import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { restoreInto } from "../../src/node/snapshot-tools.ts";
import { startNode } from "../../src/node/start.ts";
import { tempDir } from "../support/temp.ts";
import { within } from "../support/until.ts";
import { aNode, NIGHT, nodeOptions, type TestNode } from "./a-node.ts";

const shop = (release: "commit" | "snapshot", address = "kafka:9092") => `
kind: io.statefun.kafka.v1/egress
spec:
  id: test/receipts
  address: ${address}
  deliverySemantic: {type: exactly-once, transactionTimeout: 1min}
  release: ${release}
---${NIGHT}`;

function setting(t: TestContext) {
  const dir = tempDir(t);
  const [dataDir, url] = [join(dir, "data"), join(dir, "snapshots")];
  return { dir, dataDir, url, options: { dataDir, snapshots: { url, everyMs: undefined } } };
}

async function order(node: TestNode, customer: string): Promise<void> {
  const headers = { "statefold-type": "test/Order", "content-type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify({ item: "tea" }) };
  const { status, text } = await node.ask(`/v1/send/test/shop/${customer}`, request);
  assert.equal(status, 202, text);
}

async function egress(node: TestNode) {
  const { json } = await node.ask("/v1/admin/status");
  const { egresses } = json as { egresses: { pending: number; held: number }[] };
  return egresses[0];
}

/** The keys of the receipts that have left. */
async function receipts(node: TestNode): Promise<string[]> {
  const { status, text } = await node.ask("/v1/topics/receipts");
  if (status === 404) return [];
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => (JSON.parse(line) as { key: string }).key).sort();
}

async function untilHeld(node: TestNode, count: number): Promise<void> {
  const held = async (): Promise<void> => {
    while ((await egress(node))?.held !== count) await new Promise(setImmediate);
  };
  await within(`${count} records to be held`, held());
}

async function untilLeft(node: TestNode, count: number): Promise<string[]> {
  const left = async (): Promise<string[]> => {
    for (;;) {
      const all = await receipts(node);
      if (all.length >= count) return all;
      await new Promise(setImmediate);
    }
  };
  return await within(`${count} records to leave`, left());
}

for (const threads of [1, 2]) {
  const title = `with release: snapshot records leave when a snapshot covers them (${threads} threads)`;
  test(title, (t) => leavesWhenCovered(t, threads));
}

async function leavesWhenCovered(t: TestContext, threads: number): Promise<void> {
  const { options } = setting(t);
  const node = await aNode(t, shop("snapshot"), { ...options, partitions: 2, threads });
  for (const customer of ["a", "b", "c"]) await order(node, customer);
  await untilHeld(node, 3);
  assert.deepEqual(await receipts(node), []);
  const { text } = await node.ask("/metrics");
  assert.match(text, /^statefold_egress_held_records\{egress="test\/receipts"\} 3$/m);
  await node.ask("/v1/admin/snapshots", { method: "POST" });
  assert.deepEqual(await untilLeft(node, 3), ["a", "b", "c"]);
  await order(node, "d");
  await untilHeld(node, 1);
  assert.equal((await receipts(node)).length, 3);
}

test("a node that drains takes a last snapshot, and what waited for it leaves", async (t) => {
  const { options } = setting(t);
  const first = await aNode(t, shop("snapshot"), options);
  await order(first, "a");
  await untilHeld(first, 1);
  await first.node.drain(10_000);
  const second = await aNode(t, shop("snapshot"), options);
  assert.deepEqual(await receipts(second), ["a"]);
  const { pending, held } = (await egress(second)) ?? {};
  assert.deepEqual([pending, held], [0, 0]);
});

test("release: snapshot without snapshots is refused, with the place in the module", async (t) => {
  const starting = startNode(nodeOptions(t, shop("snapshot")));
  await assert.rejects(starting, {
    code: "CONFIG_INVALID",
    message: /module\.yaml:4:3 test\/receipts: with release: snapshot .* add --snapshots URL/,
  });
});

test("a fork keeps what it publishes to itself, unless it is told to use Kafka", async (t) => {
  const { dir, url, dataDir, options } = setting(t);
  const original = await aNode(t, shop("snapshot"), options);
  await order(original, "a");
  await untilHeld(original, 1);
  await original.ask("/v1/admin/snapshots", { method: "POST" });
  await original.node.stop();
  rmSync(dataDir, { recursive: true });
  const fork = join(dir, "fork");
  const { report } = await restoreInto({
    ...{ url, dataDir: fork, at: undefined, partitions: undefined, as: "try" },
  });
  assert.equal(report.renumbered, 1);
  const forked = { dataDir: fork, application: "try" };
  const onKafka = { ...forked, embedded: false };
  const refused = startNode(nodeOptions(t, shop("commit", "127.0.0.1:1"), onKafka));
  await assert.rejects(refused, {
    code: "CONFIG_INVALID",
    message: /test\/receipts: this data is a fork of "statefold".* --fork-publishes allows it/,
  });
  const allowed = { ...onKafka, forkPublishes: true };
  const told = await aNode(t, shop("commit", "127.0.0.1:1"), allowed);
  assert.equal((await egress(told))?.pending, 1);
  await told.node.stop();
  const embedded = await aNode(t, shop("commit"), forked);
  assert.deepEqual(await untilLeft(embedded, 1), ["a"]);
});
