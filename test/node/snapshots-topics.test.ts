import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openBlobStore } from "../../src/blob/open.ts";
import { loadHead } from "../../src/snapshot/head-file.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { aNode, SHOP, type TestNode } from "./a-node.ts";

/* The topic log as a module's Kafka, lost with its disk and restored with the rest. */

interface Line {
  readonly key: string;
  readonly value: string;
}

const KEYS = ["ada", "ben", "eve", "kim", "lea"];

async function linesOf(node: TestNode, topic: string): Promise<Line[]> {
  const { status, text } = await node.ask(`/v1/topics/${topic}?limit=10000`);
  const lines = status === 200 ? text.split("\n").filter((line) => line !== "") : [];
  return lines.map((line) => JSON.parse(line) as Line);
}

async function order(node: TestNode, items: readonly number[]): Promise<void> {
  const lines = items.flatMap((item) =>
    KEYS.map((key) => JSON.stringify({ key, value: JSON.stringify({ item }) })),
  );
  const headers = { "content-type": "application/x-ndjson" };
  const body = lines.join("\n");
  const { status, text } = await node.ask("/v1/topics/orders", { method: "POST", headers, body });
  assert.equal(status, 200, text);
}

/** Each order has one receipt, counted in the order of the orders. */
async function checkReceipts(node: TestNode): Promise<number> {
  const orders = await linesOf(node, "orders");
  const receipts = await until("as many receipts", async () => {
    const all = await linesOf(node, "receipts");
    return all.length >= orders.length ? all : undefined;
  });
  for (const key of KEYS) {
    const expected = orders
      .filter((each) => each.key === key)
      .map(({ value }, i) => `${i + 1}: ${JSON.parse(value).item}`);
    const found = receipts.filter((each) => each.key === key).map(({ value }) => value);
    // On another number of partitions those that were on their way may be overtaken.
    assert.deepEqual(found.sort(), expected.sort(), key);
  }
  return orders.length;
}

test("topics come back with what has read them and published to them, on any number of partitions and threads", async (t) => {
  const dir = tempDir(t);
  const [dataDir, url] = [join(dir, "data"), join(dir, "snapshots")];
  const options = { dataDir, snapshots: { url, everyMs: 15 } };
  let item = 0;
  let least = 0;
  for (const [partitions, threads] of [
    [2, 1],
    [5, 3],
    [3, 2],
  ] as const) {
    const node = await aNode(t, SHOP, { ...options, partitions, threads });
    least = await checkReceipts(node);
    const blob = await openBlobStore(url);
    const before = (await loadHead(blob))?.head.snapshots.at(-1) ?? "";
    // In the midst of it, and some snapshots later, the disk is lost.
    await until("another three snapshots", async () => {
      await order(node, [++item, ++item, ++item]);
      const { snapshots = [] } = (await loadHead(blob))?.head ?? {};
      return snapshots.length >= 3 && snapshots.every((name) => name > before);
    });
    await node.node.stop();
    rmSync(dataDir, { recursive: true });
  }
  const last = await aNode(t, SHOP, options);
  assert((await checkReceipts(last)) > least, "something was done, and kept");
  await order(last, [++item]);
  await checkReceipts(last);
});
