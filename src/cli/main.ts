#!/usr/bin/env node
import { runCli } from "./cli.ts";
import { allCommands } from "./commands.ts";
import { processIo } from "./io.ts";

// Whoever reads us has had enough, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

// Most commands ask a node, or look at files: none of them needs one in this process.
const commands = allCommands(async (options) => {
  const { startNode } = await import("../node/start.ts");
  return await startNode(options);
});
process.exitCode = await runCli(process.argv.slice(2), commands, processIo);
