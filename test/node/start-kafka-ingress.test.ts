import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../support/process.ts";
import { until } from "../support/until.ts";
import { aNode, NIGHT } from "./a-node.ts";

interface Status {
  readonly id: string;
  readonly kind: string;
  readonly phase: string;
  readonly lag?: number;
  readonly reason?: string;
}

test("a node starts without its Kafka, says so, and works otherwise", async (t) => {
  const module = `
kind: io.statefun.kafka.v1/ingress
spec:
  id: test/orders
  address: 127.0.0.1:${await freePort()}
  consumerGroupId: shop
  topics: [{topic: orders, valueType: test/Order, targets: [test/shop]}]
---${NIGHT}`;
  const node = await aNode(t, module, { embedded: false });
  assert.equal((await node.ask("/health/ready")).status, 200);
  const found = await until("the reason is known", async () => {
    const { json } = await node.ask("/v1/admin/status");
    const [ingress] = (json as { ingresses: Status[] }).ingresses;
    return ingress?.reason === undefined ? undefined : ingress;
  });
  const { id, kind, phase, lag, reason } = found;
  assert.deepEqual([id, kind, phase, lag], ["test/orders", "kafka", "running", undefined]);
  assert.match(reason ?? "", /broker 127\.0\.0\.1:\d+: .*(refused|ECONNREFUSED)/i);
  const { text } = await node.ask("/metrics");
  assert.match(text, /^# TYPE statefold_ingress_lag_records gauge$/m);
  assert.doesNotMatch(text, /^statefold_ingress_lag_records\{/m);
});

test("an ingress whose property is wrong is refused, with its place", async (t) => {
  const ingress = (more: string) => `
kind: io.statefun.kafka.v1/ingress
spec:
  id: test/orders
  address: 127.0.0.1:1
  consumerGroupId: shop
  topics: [{topic: orders, valueType: test/Order, targets: [test/shop]}]
  properties: ${more}
---${NIGHT}`;
  const wrong = ingress("[{ security.protocol: SSL }, { ssl.truststore.certificates: none }]");
  await assert.rejects(aNode(t, wrong, { embedded: false }), {
    code: "CONFIG_INVALID",
    message:
      /module\.yaml:\d+:\d+ test\/orders: the property ssl\.truststore\.certificates names no/,
  });
});
