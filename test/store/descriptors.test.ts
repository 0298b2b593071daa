import assert from "node:assert/strict";
import { test } from "node:test";
import { DataDirectory } from "../../src/store/directory.ts";
import { startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";

const canLimit = process.platform === "linux";

test("a process without descriptors is told so, not that its data is damaged", {
  skip: !canLimit,
}, async (t) => {
  const dir = tempDir(t);
  await (await DataDirectory.open({ dir, application: "test", partitions: 1 })).close();
  const starved = await startScript(t, {
    script: new URL("./scripts/starve.js", import.meta.url),
    before: ["prlimit", "--nofile=64:64"],
    args: [dir],
  });
  await starved.exited;
  assert.deepEqual(JSON.parse(starved.output), {
    description: "CONFIG_INVALID",
    witness: "CONFIG_INVALID",
    store: "CONFIG_INVALID",
  });
});
