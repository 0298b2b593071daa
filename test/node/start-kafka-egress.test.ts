import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../../src/telemetry/logger.ts";
import { freePort } from "../support/process.ts";
import { until } from "../support/until.ts";
import { aNode, NIGHT, type TestNode } from "./a-node.ts";

const printer = (address: string, more = "") => `
kind: io.statefun.kafka.v1/egress
spec:
  id: test/receipts
  address: ${address}
  deliverySemantic: {type: exactly-once, transactionTimeout: 1min}
  ${more}
---${NIGHT}`;

async function ordered(node: TestNode, customer: string): Promise<void> {
  const headers = { "statefold-type": "test/Order", "content-type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify({ item: "tea" }) };
  const { status, text } = await node.ask(`/v1/send/test/shop/${customer}`, request);
  assert.equal(status, 202, text);
}

interface Status {
  readonly egresses: readonly {
    readonly id: string;
    readonly kind: string;
    readonly pending: number;
    readonly reason?: string;
    readonly transactions?: { readonly committed: number; readonly aborted: number };
  }[];
}

test("a node whose brokers are away starts and works, and says what waits for them", async (t) => {
  const address = `127.0.0.1:${await freePort()}`;
  const node = await aNode(t, printer(address), { embedded: false });
  await ordered(node, "ada");
  await ordered(node, "ben");
  const egress = await until("the reason", async () => {
    const { json } = await node.ask("/v1/admin/status");
    const [found] = (json as Status).egresses;
    return found?.pending === 2 && found.reason !== undefined ? found : undefined;
  });
  assert.deepEqual(
    [egress.id, egress.kind, egress.transactions],
    ["test/receipts", "kafka", { committed: 0, aborted: 0 }],
  );
  assert.ok(egress.reason?.includes(`broker ${address}`), egress.reason);
  const { text } = await node.ask("/metrics");
  assert.match(text, /^statefold_kafka_transactions_total\{.*egress="test\/receipts".*\} 0$/m);
  await node.node.stop();
});

test("a property without effect is warned of, with its place", async (t) => {
  const lines: string[] = [];
  const logger = createLogger({ write: (line) => lines.push(line), readable: false });
  const yaml = printer("127.0.0.1:1", "properties: [{ linger.ms: 5 }]");
  await aNode(t, yaml, { embedded: false, logger });
  const [warned = ""] = lines.filter((line) => line.includes("linger.ms"));
  assert.match(
    warned,
    /module\.yaml:\d+:\d+ test\/receipts: the property linger\.ms has no effect/,
  );
});

test("a property that is understood and wrong is refused, with its place", async (t) => {
  const wrong = printer("127.0.0.1:1", "properties: [{ max.request.size: little }]");
  await assert.rejects(aNode(t, wrong, { embedded: false }), {
    code: "CONFIG_INVALID",
    message: /module\.yaml:\d+:\d+ test\/receipts: the property max\.request\.size must be/,
  });
  await assert.rejects(aNode(t, printer("nowhere"), { embedded: false }), {
    code: "CONFIG_INVALID",
    message: /test\/receipts: "nowhere" is no address of a Kafka broker/,
  });
});
