import assert from "node:assert/strict";
import { test } from "node:test";
import { hints, ingressOf, mistakes } from "../loading.ts";

const KIND = "io.statefold.log.v1/ingress";
const spec = (topics: string) => `id: demo/in\ntopics: ${topics}`;

test("a topic has one or several targets, in order, and a value type that is taken as it is", () => {
  const ingress = ingressOf(
    KIND,
    spec(
      "[{topic: a, valueType: whatever!, targets: [demo/b, demo/a]}, {topic: b.c-d_e, valueType: x/y, targets: [demo/c]}]",
    ),
  );
  assert(ingress.kind === "log");
  assert.deepEqual(ingress.topics, [
    { topic: "a", valueType: "whatever!", targets: ["demo/b", "demo/a"] },
    { topic: "b.c-d_e", valueType: "x/y", targets: ["demo/c"] },
  ]);
});

test("of a topic that is named twice the last entry counts, with a warning", () => {
  const text = spec(
    "[{topic: a, valueType: x/y, targets: [demo/a]}, {topic: a, valueType: x/z, targets: [demo/b]}]",
  );
  const ingress = ingressOf(KIND, text);
  assert(ingress.kind === "log");
  assert.deepEqual(ingress.topics, [{ topic: "a", valueType: "x/z", targets: ["demo/b"] }]);
  assert.deepEqual(hints(KIND, text), [
    "spec.topics[1].topic: is named twice; only this, its last entry, counts",
  ]);
});

test("no topics, and a topic with parts missing, are mistakes", () => {
  assert.deepEqual(mistakes(KIND, spec("[]")), [
    "spec.topics: must not be empty: without an entry there is nothing to do",
  ]);
  assert.deepEqual(mistakes(KIND, spec("[{}, x]")), [
    'spec.topics[0].topic: is required: the name of one topic (letters, digits, ".", "_" and "-", at most 249; no patterns)',
    "spec.topics[0].valueType: is required: the type name that messages get, such as demo/Order; nothing is decoded",
    "spec.topics[0].targets: is required: a list of function types, such as demo/orders",
    'spec.topics[1]: must be a mapping with topic, valueType and targets, not "x"',
  ]);
  assert.deepEqual(mistakes(KIND, spec("{topic: a}")), [
    "spec.topics: must be a list of topics to read, each with topic, valueType and targets, not a mapping",
  ]);
});

test("a topic is one topic: no pattern, no path", () => {
  for (const topic of ["orders-.*", "a/b", "..", "''", "a".repeat(250)]) {
    const [problem] = mistakes(
      KIND,
      spec(`[{topic: ${topic}, valueType: x/y, targets: [demo/a]}]`),
    );
    assert.match(
      problem ?? "none",
      /^spec\.topics\[0\]\.topic: must be the name of one topic/,
      topic,
    );
  }
});

test("targets are function types", () => {
  assert.deepEqual(
    mistakes(KIND, spec("[{topic: a, valueType: x/y, targets: [demo, ~, {a: b}]}]")),
    [
      'spec.topics[0].targets[0]: must be a function type, written <namespace>/<name> with one "/", such as demo/orders, not "demo"',
      'spec.topics[0].targets[1]: is empty; it must be a function type, written <namespace>/<name> with one "/", such as demo/orders',
      'spec.topics[0].targets[2]: must be a function type, written <namespace>/<name> with one "/", such as demo/orders, not a mapping',
    ],
  );
  assert.deepEqual(hints(KIND, spec("[{topic: a, valueType: x/y, targets: []}]")), [
    "spec.topics[0].targets: is empty: the records are read and go nowhere",
  ]);
});
