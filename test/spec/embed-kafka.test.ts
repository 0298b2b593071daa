import assert from "node:assert/strict";
import { test } from "node:test";
import { embedKafka } from "../../src/spec/embed-kafka.ts";
import { ENDPOINT, moduleOf } from "./loading.ts";

const ingress = (id: string, more: string) => `
kind: io.statefun.kafka.v1/ingress
spec:
  id: ${id}
  address: kafka:9092
  consumerGroupId: g
  topics: [{topic: orders, valueType: demo/Order, targets: [demo/a, demo/b]}]
  ${more}
---`;

const kafka = moduleOf(`${ingress("demo/in", "onInvalid: skip")}
kind: io.statefun.kafka.v1/egress
spec: {id: demo/out, address: "kafka:9092", release: snapshot, deliverySemantic: {type: none}}
---
kind: io.statefun.playground.v1/egress
spec: {port: 8091, topics: [x]}
---${ENDPOINT}`);

test("Kafka ingresses and egresses become the topic log's, with ids, routes and policies kept", () => {
  const embedded = embedKafka(kafka);
  assert.deepEqual(embedded.ingresses, [
    {
      kind: "log",
      place: { file: "/app/module.yaml", line: 4, column: 3 },
      id: "demo/in",
      topics: [{ topic: "orders", valueType: "demo/Order", targets: ["demo/a", "demo/b"] }],
      onInvalid: "skip",
      startupPosition: { type: "earliest" },
    },
  ]);
  assert.deepEqual(embedded.egresses[0], {
    kind: "log",
    place: { file: "/app/module.yaml", line: 11, column: 7 },
    id: "demo/out",
    release: "snapshot",
  });
});

test("everything else stays as it is, and the module given is not changed", () => {
  const before = structuredClone(kafka);
  const embedded = embedKafka(kafka);
  assert.equal(embedded.endpoints, kafka.endpoints);
  assert.equal(embedded.egresses[1], kafka.egresses[1]);
  assert.deepEqual(kafka, before);
  assert.deepEqual(embedKafka(embedded), embedded);
});

test("every startup position becomes earliest, since the log is born with the node", () => {
  for (const position of [
    "{type: latest}",
    "{type: earliest}",
    "{type: group-offsets}",
    "{type: specific-offsets, offsets: [{orders/0: 5}]}",
    "{type: date, date: 2020-02-01 04:15:00.000 +0000}",
  ]) {
    const module = moduleOf(`${ingress("demo/in", `startupPosition: ${position}`)}${ENDPOINT}`);
    const [first] = embedKafka(module).ingresses;
    assert(first?.kind === "log");
    assert.deepEqual(first.startupPosition, { type: "earliest" }, position);
  }
});
