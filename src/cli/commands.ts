import { addressesCommand } from "./addresses.ts";
import { callCommand } from "./call.ts";
import { checkCommand } from "./check.ts";
import type { Command } from "./command.ts";
import { deadCommands } from "./dead.ts";
import { doctorCommand } from "./doctor.ts";
import { parkedCommands } from "./parked.ts";
import { runCommand } from "./run.ts";
import { sendCommand } from "./send.ts";
import { snapshotCommands } from "./snapshot.ts";
import type { NodeStarter } from "./starter.ts";
import { stateGetCommand } from "./state.ts";
import { statusCommand } from "./status.ts";
import { topicListCommand } from "./topic-list.ts";
import { topicReadCommand } from "./topic-read.ts";
import { topicWriteCommand } from "./topic-write.ts";

/** What needs no node in this process. */
export const CLIENT_COMMANDS: readonly Command[] = [
  checkCommand,
  doctorCommand,
  ...snapshotCommands,
  sendCommand,
  callCommand,
  statusCommand,
  stateGetCommand,
  addressesCommand,
  topicListCommand,
  topicWriteCommand,
  topicReadCommand,
  ...parkedCommands,
  ...deadCommands,
];

/** Every command, in the order help shows them. */
export function allCommands(startNode: NodeStarter): readonly Command[] {
  return [runCommand(startNode), ...CLIENT_COMMANDS];
}
