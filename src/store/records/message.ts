/** A message: in a mailbox, and as a part of a timer, an outbox or a dead letter. */
import type { WireReader } from "../../base/wire-reader.ts";
import type { WireWriter } from "../../base/wire-writer.ts";
import type { Address } from "../../model/address.ts";
import type { Header, Message } from "../../model/message.ts";
import {
  decode,
  encode,
  NO_VALUE,
  present,
  readAddress,
  readInt,
  readPair,
  readValue,
  writeAddress,
  writeInt,
  writePair,
  writeText,
  writeValue,
} from "./codec.ts";

export function encodeMessage(message: Message): Uint8Array {
  return encode(writeMessage, message);
}

export function decodeMessage(bytes: Uint8Array): Message {
  return decode("message", readMessage, bytes);
}

export function writeMessage(to: WireWriter, message: Message): void {
  const { caller, headers } = message;
  writeInt(to, 0x48, message.recordAtMs ?? 0);
  for (let at = headers.length - 1; at >= 0; at--) {
    const header = headers[at];
    if (header !== undefined) writePair(to, 0x42, header.key, header.value);
  }
  writeText(to, 0x3a, message.traceparent);
  writeInt(to, 0x30, message.acceptedAtMs);
  writeText(to, 0x2a, message.causeId);
  writeText(to, 0x22, message.id);
  writeValue(to, 0x1a, message.value);
  if (caller !== undefined) writeAddress(to, 0x12, caller);
  writeAddress(to, 0x0a, message.target);
}

const NO_HEADERS: readonly Header[] = [];

export function readMessage(from: WireReader): Message {
  let target: Address | undefined;
  let caller: Address | undefined;
  let value = NO_VALUE;
  let id = "";
  let causeId: string | undefined;
  let acceptedAtMs = 0;
  let traceparent: string | undefined;
  let headers: Header[] | undefined;
  let recordAtMs = 0;
  for (let field = from.field(); field !== 0; field = from.field()) {
    switch (field) {
      case 1:
        target = from.message("a message's target", readAddress);
        break;
      case 2:
        caller = from.message("a message's caller", readAddress);
        break;
      case 3:
        value = from.message("a message's value", readValue);
        break;
      case 4:
        id = from.string("a message's id");
        break;
      case 5:
        causeId = from.string("the id of a message's cause") || undefined;
        break;
      case 6:
        acceptedAtMs = readInt(from, "the time a message was accepted");
        break;
      case 7:
        traceparent = from.string("a message's trace") || undefined;
        break;
      case 8:
        headers ??= [];
        headers.push(from.message("a message's header", readPair));
        break;
      case 9:
        recordAtMs = readInt(from, "the time of a message's record");
        break;
      default:
        from.skip();
    }
  }
  return {
    target: present(target, "target"),
    caller,
    value,
    id,
    causeId,
    acceptedAtMs,
    traceparent,
    headers: headers ?? NO_HEADERS,
    recordAtMs: recordAtMs > 0 ? recordAtMs : undefined,
  };
}
