import assert from "node:assert/strict";
import { test } from "node:test";
import type { KafkaIngress } from "../../../src/spec/module.ts";
import { hints, ingressOf, mistakes } from "../loading.ts";

const KIND = "io.statefun.kafka.v1/ingress";
const TOPICS = "topics: [{topic: orders, valueType: demo/Order, targets: [demo/a]}]";
const GOOD = `id: demo/in\naddress: kafka:9092\nconsumerGroupId: g\n${TOPICS}`;

function kafka(spec: string): KafkaIngress {
  const ingress = ingressOf(KIND, spec);
  assert(ingress.kind === "kafka");
  return ingress;
}

test("the defaults are StateFun's code's", () => {
  assert.deepEqual(kafka(GOOD), {
    kind: "kafka",
    place: { file: "/app/module.yaml", line: 3, column: 3 },
    id: "demo/in",
    address: "kafka:9092",
    consumerGroupId: "g",
    topics: [{ topic: "orders", valueType: "demo/Order", targets: ["demo/a"] }],
    autoOffsetResetPosition: "latest",
    startupPosition: { type: "latest" },
    properties: new Map(),
    onInvalid: "deadLetter",
  });
});

test("address and group may come from the properties; the fields win, and properties keep the rest", () => {
  const list =
    "properties:\n  - bootstrap.servers: other:9092\n  - group.id: other\n  - max.poll.records: 5";
  const fromProperties = kafka(`id: demo/in\n${TOPICS}\n${list}`);
  assert.equal(fromProperties.address, "other:9092");
  assert.equal(fromProperties.consumerGroupId, "other");
  assert.deepEqual(fromProperties.properties, new Map([["max.poll.records", "5"]]));
  const fromFields = kafka(`${GOOD}\n${list}`);
  assert.equal(fromFields.address, "kafka:9092");
  assert.equal(fromFields.consumerGroupId, "g");
});

test("without address, group, topics and id, each is asked for", () => {
  assert.deepEqual(mistakes(KIND, "{}"), [
    'spec.id: is required: the id of the ingress, written <namespace>/<name> with one "/", such as demo/orders',
    "spec.topics: is required: a list of topics to read, each with topic, valueType and targets",
    "spec.address: is required: the brokers, such as kafka:9092 (or the property bootstrap.servers)",
    "spec.consumerGroupId: is required: the consumer group, such as billing (or the property group.id)",
  ]);
});

test("a mistake in one field does not hide or invent one in another", () => {
  assert.deepEqual(
    mistakes(KIND, `id: in\naddress: [a]\nconsumerGroupId: g\n${TOPICS}\nproperties: 7`),
    [
      'spec.id: must be the id of the ingress, written <namespace>/<name> with one "/", such as demo/orders, not "in"',
      "spec.address: must be the brokers, such as kafka:9092, not a list",
      'spec.properties: must be a list of single entries, such as "- client.id: billing", not "7"',
    ],
  );
});

test("the reset position is read in any case", () => {
  assert.equal(
    kafka(`${GOOD}\nautoOffsetResetPosition: EARLIEST`).autoOffsetResetPosition,
    "earliest",
  );
  assert.deepEqual(mistakes(KIND, `${GOOD}\nautoOffsetResetPosition: none`), [
    'spec.autoOffsetResetPosition: must be one of earliest or latest, not "none"',
  ]);
  assert.deepEqual(hints(KIND, `${GOOD}\nproperties: [{auto.offset.reset: earliest}]`), [
    "spec.properties: auto.offset.reset is ignored: autoOffsetResetPosition (latest when left out) always wins",
  ]);
});

test("what becomes of invalid records is chosen", () => {
  assert.equal(kafka(`${GOOD}\nonInvalid: stop`).onInvalid, "stop");
  assert.deepEqual(mistakes(KIND, `${GOOD}\nonInvalid: deadletter`), [
    'spec.onInvalid: must be one of deadLetter, skip or stop, not "deadletter"; did you mean "deadLetter"?',
  ]);
});

test("offsets for a topic that is not read are a warning", () => {
  const offsets =
    "startupPosition: {type: specific-offsets, offsets: [{orders/0: 1}, {other/0: 1}, {other/1: 2}]}";
  assert.deepEqual(hints(KIND, `${GOOD}\n${offsets}`), [
    "spec.startupPosition.offsets: names the topic other, which this ingress does not read",
  ]);
});
