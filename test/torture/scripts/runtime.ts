/** `statefold`, for which an owner of snapshots is dead sooner: `runtime.js LEASE_MS run …`. */
import { runCli } from "../../../src/cli/cli.ts";
import { allCommands } from "../../../src/cli/commands.ts";
import { processIo } from "../../../src/cli/io.ts";
import type { NodeOptions } from "../../../src/node/options.ts";
import { startNode } from "../../../src/node/start.ts";

const [leaseMs, ...args] = process.argv.slice(2);

function withLease(options: NodeOptions): NodeOptions {
  const { snapshots } = options;
  if (snapshots === undefined) return options;
  return { ...options, snapshots: { ...snapshots, leaseMs: Number(leaseMs) } };
}

const commands = allCommands((options) => startNode(withLease(options)));
process.exitCode = await runCli(args, commands, processIo);
