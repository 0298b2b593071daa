import type { WireReader } from "../../base/wire-reader.ts";
import type { WireWriter } from "../../base/wire-writer.ts";
import type { Address } from "../../model/address.ts";
import type { Message } from "../../model/message.ts";
import { decode, encode, present, readAddress, writeAddress, writeText } from "./codec.ts";
import { readMessage, writeMessage } from "./message.ts";

export interface TimerRecord {
  readonly message: Message;
  readonly sender: Address | undefined;
  readonly token: string;
}

export function encodeTimer(timer: TimerRecord): Uint8Array {
  return encode(writeTimer, timer);
}

export function decodeTimer(bytes: Uint8Array): TimerRecord {
  return decode("timer", readTimer, bytes);
}

function writeTimer(to: WireWriter, { message, sender, token }: TimerRecord): void {
  writeText(to, 0x1a, token);
  if (sender !== undefined) writeAddress(to, 0x12, sender);
  const mark = to.mark();
  writeMessage(to, message);
  to.message(0x0a, mark);
}

function readTimer(from: WireReader): TimerRecord {
  let message: Message | undefined;
  let sender: Address | undefined;
  let token = "";
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) message = from.message("a timer's message", readMessage);
    else if (field === 2) sender = from.message("a timer's sender", readAddress);
    else if (field === 3) token = from.string("a timer's token");
    else from.skip();
  }
  return { message: present(message, "message"), sender, token };
}
