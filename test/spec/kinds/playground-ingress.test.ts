import assert from "node:assert/strict";
import { test } from "node:test";
import { ingressOf, mistakes } from "../loading.ts";

const KIND = "io.statefun.playground.v1/ingress";

test("a port is all there is; the id is fixed", () => {
  assert.deepEqual(ingressOf(KIND, "port: 8090"), {
    kind: "playground",
    place: { file: "/app/module.yaml", line: 3, column: 3 },
    id: "io.statefun.playground/ingress",
    port: 8090,
  });
});

test("a port is a port, and 0 is any free one", () => {
  assert.deepEqual(mistakes(KIND, "port: 65536"), [
    'spec.port: must be a whole number between 0 and 65535, not "65536"',
  ]);
  assert.deepEqual(mistakes(KIND, "{}"), [
    "spec.port: is required: a whole number between 0 and 65535",
  ]);
  assert.deepEqual(mistakes(KIND, "port: 0"), []);
});
