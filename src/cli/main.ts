#!/usr/bin/env node
import { runCli } from "./cli.ts";
import { allCommands } from "./commands.ts";
import { processIo } from "./io.ts";
import type { NodeOptions } from "./starter.ts";

// Whoever reads us has had enough, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

// Most commands ask a node, or look at files: none of them needs one in this process.
const commands = allCommands(async (options) => {
  const tablesAhead = await compareAhead(options);
  try {
    const { startNode } = await import("../node/start.ts");
    return await startNode({ ...options, tablesAhead });
  } finally {
    await tablesAhead?.stop();
  }
});
/** While the rest of the code is loaded. Threads of a node open their partitions themselves. */
async function compareAhead({ dataDir, threads = 1 }: NodeOptions) {
  if (dataDir === undefined || threads > 1) return undefined;
  const { TablesAhead } = await import("../store/tables-ahead.ts");
  return TablesAhead.begin(dataDir);
}

process.exitCode = await runCli(process.argv.slice(2), commands, processIo);
