/** An idempotency key that was used. */
import type { WireReader } from "../../base/wire-reader.ts";
import type { WireWriter } from "../../base/wire-writer.ts";
import type { Address } from "../../model/address.ts";
import {
  decode,
  encode,
  present,
  readAddress,
  readInt,
  writeAddress,
  writeInt,
  writeText,
} from "./codec.ts";

export interface OnceRecord {
  readonly target: Address;
  readonly key: string;
  readonly messageId: string;
  /** Empty for a send. */
  readonly callId: string;
  readonly expiresAtMs: number;
}

export function encodeOnce(once: OnceRecord): Uint8Array {
  return encode(writeOnce, once);
}

export function decodeOnce(bytes: Uint8Array): OnceRecord {
  return decode("idempotency key", readOnce, bytes);
}

function writeOnce(to: WireWriter, once: OnceRecord): void {
  writeInt(to, 0x28, once.expiresAtMs);
  writeText(to, 0x22, once.callId);
  writeText(to, 0x1a, once.messageId);
  writeText(to, 0x12, once.key);
  writeAddress(to, 0x0a, once.target);
}

function readOnce(from: WireReader): OnceRecord {
  let target: Address | undefined;
  let key = "";
  let messageId = "";
  let callId = "";
  let expiresAtMs = 0;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) target = from.message("a key's target", readAddress);
    else if (field === 2) key = from.string("a key");
    else if (field === 3) messageId = from.string("the id of a key's message");
    else if (field === 4) callId = from.string("the id of a key's call");
    else if (field === 5) expiresAtMs = readInt(from, "a key's end");
    else from.skip();
  }
  return { target: present(target, "target"), key, messageId, callId, expiresAtMs };
}
