/** A script that starts another as a test would, says its pid, and waits to be killed. */
import { test } from "node:test";
import { startScript } from "../process.ts";

test("a parent", async (t) => {
  const child = await startScript(t, {
    script: new URL("./echo-server.js", import.meta.url),
    args: (port) => [String(port)],
    ready: /listens/,
  });
  process.stdout.write(`child ${child.pid} at port ${child.port}.\n`);
  await child.exited;
});
