import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../src/spec/problem.ts";

test("a problem is one line that an editor can jump to", () => {
  const place = { file: "module.yaml", line: 3, column: 7 };
  assert.equal(
    formatProblem({ ...place, path: "spec.topics[0].topic", message: "is required" }),
    "module.yaml:3:7 spec.topics[0].topic: is required",
  );
  assert.equal(
    formatProblem({ ...place, path: "", message: "is broken" }),
    "module.yaml:3:7: is broken",
  );
});
