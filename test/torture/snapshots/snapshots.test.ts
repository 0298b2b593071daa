import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { S3_TOOLS } from "../../support/blob/s3-server.ts";
import { startScript } from "../../support/process.ts";
import { tempDir } from "../../support/temp.ts";
import { hasTools, JAVA, MAVEN } from "../../support/toolchain.ts";

/* `npm run torture -- --snapshots`, short. */

const RUN = ["--rounds", "1", "--records", "600", "--ids", "60", "--lease", "1", "--reader", "own"];

test("what waits for snapshots leaves once, though the disk is lost and the S3 server killed", async (t) => {
  if (!(await hasTools(t, [JAVA, MAVEN, ...S3_TOOLS]))) return;
  const directory = tempDir(t);
  const run = await startScript(t, {
    script: new URL("../main.js", import.meta.url),
    args: ["--snapshots", "--seed", "5", "--partitions", "3", ...RUN],
    env: { TMPDIR: directory },
    ready: /an S3 server/,
  });
  const { code } = await run.exited;
  assert.equal(code, 0, run.output);
  assert.match(run.output, /the S3 server killed as well[\s\S]*\nEverything came out exact\.\n$/);
  assert.deepEqual(readdirSync(directory), [], "nothing is left behind");
});
