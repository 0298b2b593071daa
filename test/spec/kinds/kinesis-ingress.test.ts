import assert from "node:assert/strict";
import { test } from "node:test";
import { ingressOf, mistakes } from "../loading.ts";

const KIND = "io.statefun.kinesis.v1/ingress";
const STREAMS = "streams: [{stream: orders, valueType: demo/Order, targets: [demo/a]}]";

test("an id and streams are enough", () => {
  assert.deepEqual(ingressOf(KIND, `id: demo/in\n${STREAMS}`), {
    kind: "kinesis",
    place: { file: "/app/module.yaml", line: 3, column: 3 },
    id: "demo/in",
    aws: { region: { type: "default" }, credentials: { type: "default" } },
    startupPosition: { type: "latest" },
    streams: [{ topic: "orders", valueType: "demo/Order", targets: ["demo/a"] }],
    clientConfigProperties: new Map(),
  });
});

test("client properties are read", () => {
  const ingress = ingressOf(
    KIND,
    `id: demo/in\n${STREAMS}\nclientConfigProperties: [{SocketTimeout: 9999}]`,
  );
  assert(ingress.kind === "kinesis");
  assert.deepEqual(ingress.clientConfigProperties, new Map([["SocketTimeout", "9999"]]));
});

test("streams are there and not empty", () => {
  assert.deepEqual(mistakes(KIND, "id: demo/in"), [
    "spec.streams: is required: a list of streams to read, each with stream, valueType and targets",
  ]);
  assert.deepEqual(mistakes(KIND, "id: demo/in\nstreams: []"), [
    "spec.streams: must not be empty: without an entry there is nothing to do",
  ]);
  assert.match(
    mistakes(KIND, "id: demo/in\nstreams: [{}]")[0] ?? "none",
    /^spec\.streams\[0\]\.stream: is required/,
  );
});
