import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";

/* `npm run torture`, short: what must be kept for hours must be kept for these blows. */

const BLOWS = ["kill both", "kill during start", "fill disk", "hold connections"];
const SEED = 4;

const canTorture = process.platform === "linux";

test("a node that is killed, starved of disk and descriptors loses and doubles nothing", {
  skip: !canTorture,
}, async (t) => {
  const directory = tempDir(t);
  const run = await startScript(t, {
    script: new URL("./main.js", import.meta.url),
    args: [
      "--seconds",
      "1",
      "--calm",
      "1",
      "--kills",
      "1",
      "--partitions",
      "2",
      "--threads",
      "2",
    ].concat(["--seed", String(SEED)], ["--blows", BLOWS.join(",")]),
    env: { TMPDIR: directory },
    ready: /disk \w+/,
  });
  const { code } = await run.exited;
  assert.equal(code, 0, run.output);
  assert.match(run.output, /Everything came out exact\.\n$/);
  for (const blow of BLOWS) {
    if (blow === "fill disk" && run.output.includes("disk none")) continue;
    assert.match(run.output, new RegExp(`${blow} +[1-9]`));
  }
  assert.deepEqual(readdirSync(directory), [], "nothing is left behind");
});

test("a wrong option is said, with those there are", async (t) => {
  const script = new URL("./main.js", import.meta.url);
  const run = await startScript(t, { script, args: ["--blows", "hug"] });
  assert.equal((await run.exited).code, 2);
  assert.match(run.output, /--blows hug is none of: kill runtime, .*\n\nnpm run torture/);
});
