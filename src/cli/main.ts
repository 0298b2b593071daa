#!/usr/bin/env node
import { startNode } from "../node/start.ts";
import { runCli } from "./cli.ts";
import { allCommands } from "./commands.ts";
import { processIo } from "./io.ts";

// Whoever reads us has had enough, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

process.exitCode = await runCli(process.argv.slice(2), allCommands(startNode), processIo);
