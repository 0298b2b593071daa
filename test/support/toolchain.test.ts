import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { hasTools, type Tool } from "./toolchain.ts";

const NODE: Tool = { name: "Node", probe: [process.execPath, "--version"] };
const NONE: Tool = { name: "Klingon", probe: ["no-such-program-anywhere"] };
const BROKEN: Tool = { name: "Brainstorm", probe: [process.execPath, "--no-such-option"] };

function skipping(): Pick<TestContext, "skip"> & { readonly reasons: (string | undefined)[] } {
  const reasons: (string | undefined)[] = [];
  return { reasons, skip: (reason) => void reasons.push(reason) };
}

test("a test goes on when every program it needs is there", async () => {
  const t = skipping();
  assert.equal(await hasTools(t, [NODE], true), true);
  assert.equal(await hasTools(t, [NODE], false), true);
  assert.deepEqual(t.reasons, []);
});

test("a test is skipped, with a reason, when programs are missing or do not run", async () => {
  const t = skipping();
  assert.equal(await hasTools(t, [NODE, NONE], true), false);
  assert.equal(await hasTools(t, [NONE, BROKEN], true), false);
  assert.deepEqual(t.reasons, [
    "Klingon is missing on this machine",
    "Klingon and Brainstorm are missing on this machine",
  ]);
});

test("where everything has to be tested, a missing program is a failure", async () => {
  const t = skipping();
  await assert.rejects(hasTools(t, [NODE, NONE], false), /^Error: Klingon is missing/);
  assert.deepEqual(t.reasons, []);
});
