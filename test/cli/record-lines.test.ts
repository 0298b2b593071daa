import assert from "node:assert/strict";
import { test } from "node:test";
import { recordLines } from "../../src/cli/record-lines.ts";

test("of a record everything is told that is known, and its trace once", () => {
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const headers = [
    { key: "shop", value: "north" },
    { key: "hash", valueBase64: "/wA=" },
    { key: "picture", bytes: 300_000 },
  ];
  assert.deepEqual(recordLines({ recordAtMs: 1_700_000_000_000, headers, traceparent }), [
    "record of 2023-11-14 22:13:20Z",
    `traceparent: ${traceparent}`,
    "header shop: north",
    "header hash: base64 /wA=",
    "header picture: (300000 bytes)",
  ]);
  const own = [{ key: "traceparent", value: traceparent }];
  assert.deepEqual(recordLines({ headers: own, traceparent }), [
    `header traceparent: ${traceparent}`,
  ]);
  assert.deepEqual(recordLines({}), []);
});
