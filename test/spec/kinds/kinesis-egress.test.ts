import assert from "node:assert/strict";
import { test } from "node:test";
import { egressOf, mistakes } from "../loading.ts";

const KIND = "io.statefun.kinesis.v1/egress";

test("an id is enough", () => {
  assert.deepEqual(egressOf(KIND, "id: demo/out"), {
    kind: "kinesis",
    place: { file: "/app/module.yaml", line: 3, column: 3 },
    id: "demo/out",
    aws: { region: { type: "default" }, credentials: { type: "default" } },
    maxOutstandingRecords: 1000,
    clientConfigProperties: new Map(),
  });
});

test("the number of outstanding records is positive", () => {
  const egress = egressOf(
    KIND,
    "id: demo/out\nmaxOutstandingRecords: 5\nclientConfigProperties: [{a: b}]",
  );
  assert(egress.kind === "kinesis");
  assert.equal(egress.maxOutstandingRecords, 5);
  assert.deepEqual(mistakes(KIND, "id: demo/out\nmaxOutstandingRecords: 0"), [
    'spec.maxOutstandingRecords: must be a whole number of at least 1, not "0"',
  ]);
});
