import assert from "node:assert/strict";
import { test } from "node:test";
import { egressOf, mistakes } from "../loading.ts";

const KIND = "io.statefold.log.v1/egress";

test("an id is enough, and output leaves at commit", () => {
  assert.deepEqual(egressOf(KIND, "id: demo/audit"), {
    kind: "log",
    place: { file: "/app/module.yaml", line: 3, column: 3 },
    id: "demo/audit",
    release: "commit",
  });
});

test("release is one of two, and the id is required", () => {
  const egress = egressOf(KIND, "id: demo/audit\nrelease: snapshot");
  assert(egress.kind === "log");
  assert.equal(egress.release, "snapshot");
  assert.deepEqual(mistakes(KIND, "release: snapshots"), [
    'spec.id: is required: the id of the egress, written <namespace>/<name> with one "/", such as demo/audit',
    'spec.release: must be one of commit or snapshot, not "snapshots"; did you mean "snapshot"?',
  ]);
});
