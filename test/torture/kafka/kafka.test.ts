import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { startScript } from "../../support/process.ts";
import { tempDir } from "../../support/temp.ts";
import { hasTools, JAVA, MAVEN } from "../../support/toolchain.ts";

/* `npm run torture -- --kafka`, short. */

/** A transaction's end is written with its records first, and for the marker's group so much later (default 5 ms). */
const BROKER = ["--broker", "group.coordinator.append.linger.ms=50"];

const RUN = ["--records", "1000", "--ids", "100", "--kills", "1", "--partitions", "2"].concat([
  "--reader",
  "own",
]);

test("between two topics nothing is lost and nothing doubled, whoever is killed, and by a zombie", async (t) => {
  if (!(await hasTools(t, [JAVA, MAVEN]))) return;
  const directory = tempDir(t);
  const run = await startScript(t, {
    script: new URL("../main.js", import.meta.url),
    args: ["--kafka", "--seed", "4", ...RUN, ...BROKER],
    env: { TMPDIR: directory },
    ready: /a broker/,
  });
  const { code } = await run.exited;
  assert.equal(code, 0, run.output);
  assert.match(run.output, /Everything came out exact\.\n$/);
  assert.match(run.output, /the zombie +another process publishes as statefold\/shop\/out\/\d now/);
  assert.deepEqual(readdirSync(directory), [], "nothing is left behind");
});
