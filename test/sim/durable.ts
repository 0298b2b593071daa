import assert from "node:assert/strict";
import { callKey, onceKey } from "../../src/partition/calls.ts";
import { keyOf } from "../../src/store/keys.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import type { Answer } from "./desk.ts";
import type { Host } from "./host.ts";
import type { KeyGroup } from "./key-group.ts";
import type { Step } from "./program.ts";

/** I2: whatever a caller is told, the disk knows already. */
export function checkDurable(
  host: Host,
  step: Step,
  group: KeyGroup | undefined,
  answer: Answer,
): void {
  const read = (of: Uint8Array) => host.disk.read([of])[0];
  if (answer.kind === "pending") {
    // Where little is remembered for long, its time may be over by now.
    const isThere = read(callKey(answer.callId)) !== undefined || host.isForgetful;
    assert(isThere, "I2: a promised reply is not on the disk");
  }
  if (answer.kind !== "accepted" && answer.kind !== "replied") return;
  const meta = read(keyOf("meta"));
  const sequence = Number.parseInt(answer.messageId.split("-")[2] ?? "", 36);
  const isStored = meta !== undefined && sequence < decodeMeta(meta).nextSequence;
  assert(isStored, "I2: an answer tells of a message that the disk does not know");
  if (group === undefined) return;
  const once = read(onceKey(step.target, group.key));
  if (once !== undefined) return;
  // It may have expired, and been swept, since the answer was made.
  const isShort = host.isForgetful;
  assert(isShort, "I2: an answer tells of a key that the disk does not know");
}
