import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { type Script, startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";

/* `npm run demo`, smaller and shorter. */

async function startDemo(t: TestContext): Promise<{ demo: Script; left: () => string[] }> {
  const directory = tempDir(t);
  const demo = await startScript(t, {
    script: new URL("../../examples/billing/demo.js", import.meta.url),
    args: ["--subscriptions", "60", "--seconds", "10"],
    env: { TMPDIR: directory },
    ready: /customers pay/,
  });
  return { demo, left: () => readdirSync(directory) };
}

test("the demo's account comes out, and nothing is left behind", async (t) => {
  const { demo, left } = await startDemo(t);
  assert.deepEqual(await demo.exited, { code: 0, signal: null }, demo.output);
  assert.match(demo.output, /subscriptions {12}60 /);
  assert.match(demo.output, /runtime killed {12}[1-9]/);
  assert.match(demo.output, /Every period was billed exactly once\.\n\n$/);
  assert.deepEqual(left(), []);
});

test("Ctrl-C ends the demo with all that it started", async (t) => {
  const { demo, left } = await startDemo(t);
  await demo.line(/payments requested/);
  assert.deepEqual(await demo.stop("SIGINT"), { code: 130, signal: null });
  assert.deepEqual(left(), []);
});

test("a demo that fails says where its logs are, and keeps them", async (t) => {
  const directory = tempDir(t);
  const demo = await startScript(t, {
    script: new URL("../../examples/billing/demo.js", import.meta.url),
    env: { TMPDIR: directory, STATEFOLD_PARTITIONS: "none" },
  });
  assert.equal((await demo.exited).code, 1);
  assert.match(demo.output, /The demo failed: the runtime ended with 2; its last words:/);
  const [, kept] = /Data and logs are in (\S+)/.exec(demo.output) ?? [];
  assert.deepEqual(readdirSync(kept ?? "").sort(), ["functions.log", "runtime.log"]);
});
