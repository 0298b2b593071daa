import assert from "node:assert/strict";
import { test } from "node:test";
import { ingressOf, mistakes } from "../loading.ts";

const KIND = "io.statefold.log.v1/ingress";
const TOPICS = "topics: [{topic: orders, valueType: demo/Order, targets: [demo/a]}]";

test("by default everything in the topic log is read", () => {
  assert.deepEqual(ingressOf(KIND, `id: demo/in\n${TOPICS}`), {
    kind: "log",
    place: { file: "/app/module.yaml", line: 3, column: 3 },
    id: "demo/in",
    topics: [{ topic: "orders", valueType: "demo/Order", targets: ["demo/a"] }],
    startupPosition: { type: "earliest" },
    onInvalid: "deadLetter",
  });
});

test("the policy for invalid records is chosen", () => {
  const ingress = ingressOf(KIND, `id: demo/in\n${TOPICS}\nonInvalid: skip`);
  assert(ingress.kind === "log");
  assert.equal(ingress.onInvalid, "skip");
});

test("id and topics are required", () => {
  assert.deepEqual(mistakes(KIND, "{}"), [
    'spec.id: is required: the id of the ingress, written <namespace>/<name> with one "/", such as demo/orders',
    "spec.topics: is required: a list of topics to read, each with topic, valueType and targets",
  ]);
});
