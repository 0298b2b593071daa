import assert from "node:assert/strict";
import { test } from "node:test";
import { document, ENDPOINT, egressOf, mistakes, problemsOf } from "../loading.ts";

const KIND = "io.statefun.playground.v1/egress";

test("a port and the topics are read; the id is fixed", () => {
  assert.deepEqual(egressOf(KIND, "port: 8091\ntopics: [greetings, receipts]"), {
    kind: "playground",
    place: { file: "/app/module.yaml", line: 3, column: 3 },
    id: "io.statefun.playground/egress",
    port: 8091,
    topics: ["greetings", "receipts"],
  });
});

test("both are required", () => {
  assert.deepEqual(mistakes(KIND, "{}"), [
    "spec.port: is required: a whole number between 0 and 65535",
    "spec.topics: is required: a list of topics, such as greetings",
  ]);
  assert.deepEqual(mistakes(KIND, "port: 1\ntopics: greetings"), [
    'spec.topics: must be a list of topics, such as greetings, not "greetings"',
  ]);
});

test("there is one of it, and a port is used once", () => {
  const egress = document(KIND, "port: 8090\ntopics: [a]");
  const ingress = document("io.statefun.playground.v1/ingress", "port: 8090");
  assert.deepEqual(problemsOf(`${ingress}---\n${egress}---\n${egress}---${ENDPOINT}`), [
    "7:9 spec.port: the port 8090 is defined already, at /app/module.yaml:3:9",
    "12:3 spec: the egress io.statefun.playground/egress is defined already, at /app/module.yaml:7:3",
    "12:9 spec.port: the port 8090 is defined already, at /app/module.yaml:3:9",
  ]);
});
