import assert from "node:assert/strict";
import { test } from "node:test";
import { startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";

/* `npm run torture -- --store`, short. */

const SECONDS = 4;

const canTorture = process.platform === "linux";

test("a store and a topic log keep what they said, killed and with a full disk", {
  skip: !canTorture,
}, async (t) => {
  const run = await startScript(t, {
    script: new URL("./main.js", import.meta.url),
    args: ["--store", "--seconds", String(SECONDS), "--seed", "3"],
    env: { TMPDIR: tempDir(t) },
    ready: /Everything came out exact/,
    readyTimeoutMs: 60_000,
  });
  assert.equal((await run.exited).code, 0, run.output);
});
