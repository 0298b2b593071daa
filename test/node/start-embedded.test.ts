import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { aNode, FaultyDisk, SHOP, type TestNode } from "./a-node.ts";

/* Topics in, functions, topics out: the embedded log as a module's Kafka. */

interface Line {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
}

async function order(node: TestNode, key: string, item: string): Promise<void> {
  const path = `/v1/topics/orders?key=${key}`;
  const { status, text } = await node.ask(path, {
    method: "POST",
    body: JSON.stringify({ item }),
  });
  assert.equal(status, 200, text);
}

async function receipts(node: TestNode, count: number): Promise<Line[]> {
  return await until(`${count} receipts`, async () => {
    const { status, text } = await node.ask("/v1/topics/receipts");
    const lines = status === 200 ? text.split("\n").filter((line) => line !== "") : [];
    return lines.length >= count ? lines.map((line) => JSON.parse(line) as Line) : undefined;
  });
}

/** The receipts of each customer, in order. */
function byKey(lines: readonly Line[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { key, value } of lines) found[key] = [...(found[key] ?? []), value];
  return found;
}

test("an order of a topic becomes a receipt in another, in order for each key", async (t) => {
  const node = await aNode(t, SHOP, { partitions: 3 });
  for (const item of ["tea", "milk", "jam"]) {
    await Promise.all(["ada", "ben", "eve"].map((key) => order(node, key, item)));
  }
  const items = ["1: tea", "2: milk", "3: jam"];
  assert.deepEqual(byKey(await receipts(node, 9)), { ada: items, ben: items, eve: items });
  const status = await node.ask("/v1/admin/status");
  const { ingresses, egresses } = status.json as {
    ingresses: { id: string; lag: number; phase: string }[];
    egresses: { id: string; pending: number }[];
  };
  assert.deepEqual(
    [ingresses[0]?.id, ingresses[0]?.phase, ingresses[0]?.lag],
    ["test/orders", "running", 0],
  );
  assert.equal(egresses[0]?.id, "test/receipts");
});

test("what was written before the ingress began is read, though the module says nothing of it", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const withoutIngress = SHOP.slice(SHOP.indexOf("---") + 3);
  const first = await aNode(t, withoutIngress, { dataDir });
  await order(first, "ada", "tea");
  await first.node.stop();
  const second = await aNode(t, SHOP, { dataDir });
  assert.deepEqual(byKey(await receipts(second, 1)), { ada: ["1: tea"] });
});

test("orders are taken once, though the disk fails between them", async (t) => {
  const disk = new FaultyDisk();
  const node = await aNode(t, SHOP, {}, disk.open);
  await order(node, "ada", "tea");
  await receipts(node, 1);
  let isFull = true;
  disk.refuses = (_, writes) => {
    const refused = isFull && writes.some(({ value }) => Buffer.from(value ?? "").includes("milk"));
    if (refused) isFull = false;
    return refused;
  };
  await order(node, "ada", "milk");
  await receipts(node, 2);
  await order(node, "ada", "jam");
  const lines = await receipts(node, 3);
  assert.deepEqual(byKey(lines), { ada: ["1: tea", "2: milk", "3: jam"] });
});

test("a record that cannot be routed is a dead letter, and the ones behind it are taken", async (t) => {
  const node = await aNode(t, SHOP);
  await node.ask("/v1/topics/orders", { method: "POST", body: '{"item":"nobody\'s"}' });
  await order(node, "ada", "tea");
  await receipts(node, 1);
  const [dead] = await node.list<{ code: string; reason: string; source: string }>("dead");
  assert.equal(dead?.code, "RECORD_INVALID");
  assert.equal(dead?.source, "log/test/orders/orders/0@0");
  assert.match(dead?.reason ?? "", /no key/);
});

test("a follower gets what is there and what comes, until it hangs up", async (t) => {
  const node = await aNode(t, SHOP);
  await order(node, "ada", "tea");
  await receipts(node, 1);
  const hangUp = new AbortController();
  const response = await fetch(`${node.url}/v1/topics/receipts?follow=true`, {
    signal: hangUp.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert(reader !== undefined);
  let read = "";
  const readUntil = async (text: string) => {
    while (!read.includes(text)) read += (await reader.read()).value ?? "";
  };
  await readUntil("1: tea");
  await order(node, "ada", "milk");
  await readUntil("2: milk");
  hangUp.abort();
  await until("the request to be over", async () => {
    const { text } = await node.ask("/metrics");
    return /^statefold_http_in_flight_requests 0$/m.test(text);
  });
});

test("a record that its partition lacks is refused, and the node goes on", async (t) => {
  const node = await aNode(t, SHOP);
  const lines = ['{"value":"a","key":"k"}', '{"value":"b","partition":99}', '{"value":"c"}'];
  const { status, json } = await node.ask("/v1/topics/orders", {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: lines.join("\n"),
  });
  assert.deepEqual([status, (json as { code: string }).code], [400, "REQUEST_INVALID"]);
  await order(node, "ada", "tea");
  assert.deepEqual(byKey(await receipts(node, 1)), { ada: ["1: tea"] });
});

test("a retention that is set lets old records go", async (t) => {
  const node = await aNode(t, SHOP, { topicRetention: { maxBytes: 1 } });
  const large = "x".repeat(9_000_000);
  for (let i = 0; i < 5; i++) {
    await node.ask("/v1/topics/pictures?key=a", { method: "POST", body: large });
  }
  await until("the oldest to be gone", async () => {
    const { json } = await node.ask("/v1/topics");
    const { topics } = json as {
      topics: { name: string; partitions: { beginOffset: number }[] }[];
    };
    const pictures = topics.find(({ name }) => name === "pictures");
    return pictures?.partitions.some(({ beginOffset }) => beginOffset > 0);
  });
});
