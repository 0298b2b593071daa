/** A call whose answer someone may still ask for. */
import type { WireReader } from "../../base/wire-reader.ts";
import type { WireWriter } from "../../base/wire-writer.ts";
import type { Address } from "../../model/address.ts";
import type { TypedValue } from "../../model/typed-value.ts";
import {
  decode,
  encode,
  NO_VALUE,
  named,
  present,
  readAddress,
  readInt,
  readValue,
  writeAddress,
  writeInt,
  writeText,
  writeValue,
} from "./codec.ts";

export interface CallRecord {
  readonly callId: string;
  /** Of the message that the caller sent. */
  readonly messageId: string;
  readonly target: Address;
  readonly expiresAtMs: number;
  readonly reply: TypedValue | undefined;
}

export function encodeCall(call: CallRecord): Uint8Array {
  return encode(writeCall, call);
}

export function decodeCall(bytes: Uint8Array): CallRecord {
  return decode("call", readCall, bytes);
}

function writeCall(to: WireWriter, call: CallRecord): void {
  writeText(to, 0x32, call.messageId);
  if (call.reply !== undefined) {
    writeValue(to, 0x2a, call.reply);
    writeInt(to, 0x20, 1);
  }
  writeInt(to, 0x18, call.expiresAtMs);
  writeAddress(to, 0x12, call.target);
  writeText(to, 0x0a, call.callId);
}

function readCall(from: WireReader): CallRecord {
  let callId = "";
  let messageId = "";
  let target: Address | undefined;
  let expiresAtMs = 0;
  let replied = false;
  let reply = NO_VALUE;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) callId = from.string("a call's id");
    else if (field === 2) target = from.message("a call's target", readAddress);
    else if (field === 3) expiresAtMs = readInt(from, "a call's end");
    else if (field === 4) replied = from.bool("whether a call was answered");
    else if (field === 5) reply = from.message("a call's answer", readValue);
    else if (field === 6) messageId = from.string("the id of a call's message");
    else from.skip();
  }
  return {
    callId: named(callId, "id"),
    messageId,
    target: present(target, "target"),
    expiresAtMs,
    reply: replied ? reply : undefined,
  };
}
