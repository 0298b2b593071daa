import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { settingsLine, settingsOf } from "../../bench/support/settings.ts";
import { startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const script = new URL("../../bench/main.js", import.meta.url);

test("what is asked wrongly is a line, and the end", async (t) => {
  const run = await startScript(t, { script, args: ["call", "--only", "abc"] });
  assert.deepEqual(await run.exited, { code: 2, signal: null });
  assert.match(run.output, /^--only abc means nothing to call; .*\n$/);
});

test("a run that is ended leaves no folder and no node behind", async (t) => {
  const folder = tempDir(t);
  const run = await startScript(t, {
    // As another program: what guards a script of ours would be handed on to its children, and take their channel.
    ...{ program: process.execPath, script },
    args: ["hops", "--only", "1", "--seconds", "600"],
    env: { TMPDIR: folder, STATEFOLD_THREADS: "1" },
  });
  const hasData = (): boolean =>
    readdirSync(folder).some((home) => readdirSync(join(folder, home)).includes("data"));
  await until("a node", hasData, { timeoutMs: 60_000 });
  const { code } = await run.stop("SIGTERM", 60_000);
  assert.equal(code, 1);
  assert.deepEqual(readdirSync(folder), []);
  assert.match(run.output, /nodes are set otherwise by STATEFOLD_THREADS=1\n$/);
});

test("what reaches the nodes from outside is told, and nothing when it is nothing", () => {
  const settings = settingsOf({ STATEFOLD_THREADS: "2", STATEFOLD_PORT: "1", STATEFOLD_HOST: "" });
  assert.deepEqual(settings, { STATEFOLD_THREADS: "2" });
  assert.equal(settingsLine(settings), "nodes are set otherwise by STATEFOLD_THREADS=2\n");
  assert.equal(settingsLine(settingsOf({})), "");
});
