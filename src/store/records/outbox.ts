/** Effects for elsewhere: entries of outboxes, each of them numbered. */
import type { WireReader } from "../../base/wire-reader.ts";
import type { WireWriter } from "../../base/wire-writer.ts";
import type { Address } from "../../model/address.ts";
import { addressBytes, type Message, messageBytes, valueBytes } from "../../model/message.ts";
import type { TypedValue } from "../../model/typed-value.ts";
import {
  decode,
  encode,
  NO_VALUE,
  present,
  readAddress,
  readValue,
  writeAddress,
  writeText,
  writeValue,
} from "./codec.ts";
import { readMessage, writeMessage } from "./message.ts";

/** What a function sent to an egress. */
export interface EgressEffect {
  readonly value: TypedValue;
  readonly sender: Address;
  /** Id of the message that was being handled. */
  readonly causeId: string | undefined;
  readonly traceparent: string | undefined;
}

/** One numbered entry of an outbox. */
export type OutboxEffect =
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "record"; readonly record: EgressEffect };

/** What an effect weighs in an outbox: MetaRecord.outboxBytes is the sum of them. */
export function effectBytes(effect: OutboxEffect): number {
  if (effect.kind === "message") return messageBytes(effect.message);
  const { value, sender, traceparent } = effect.record;
  return 200 + valueBytes(value) + addressBytes(sender) + (traceparent?.length ?? 0);
}

export function encodeOutbox(effects: readonly OutboxEffect[]): Uint8Array {
  return encode(writeOutbox, effects);
}

export function decodeOutbox(bytes: Uint8Array): OutboxEffect[] {
  return decode("outbox", readOutbox, bytes);
}

function writeOutbox(to: WireWriter, effects: readonly OutboxEffect[]): void {
  for (let at = effects.length - 1; at >= 0; at--) {
    const effect = effects[at];
    if (effect === undefined) continue;
    const mark = to.mark();
    writeEffect(to, effect, EFFECT);
    to.message(0x0a, mark);
  }
}

function readOutbox(from: WireReader): OutboxEffect[] {
  const effects: OutboxEffect[] = [];
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) effects.push(from.message("an effect", readEffect));
    else from.skip();
  }
  return effects;
}

/** The two fields of which an effect is one, where they stand: tags of its message and its record. */
interface EffectTags {
  readonly message: number;
  readonly record: number;
}

const EFFECT: EffectTags = { message: 0x0a, record: 0x12 };

export function writeEffect(to: WireWriter, effect: OutboxEffect, tags: EffectTags): void {
  const mark = to.mark();
  if (effect.kind === "message") writeMessage(to, effect.message);
  else writeRecord(to, effect.record);
  to.message(tags[effect.kind], mark);
}

function readEffect(from: WireReader): OutboxEffect {
  let effect: OutboxEffect | undefined;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) effect = readMessageEffect(from);
    else if (field === 2) effect = readRecordEffect(from);
    else from.skip();
  }
  return present(effect, "message");
}

export function readMessageEffect(from: WireReader): OutboxEffect {
  return { kind: "message", message: from.message("an effect's message", readMessage) };
}

export function readRecordEffect(from: WireReader): OutboxEffect {
  return { kind: "record", record: from.message("an effect's record", readRecord) };
}

function writeRecord(to: WireWriter, record: EgressEffect): void {
  writeText(to, 0x22, record.traceparent);
  writeText(to, 0x1a, record.causeId);
  writeAddress(to, 0x12, record.sender);
  writeValue(to, 0x0a, record.value);
}

function readRecord(from: WireReader): EgressEffect {
  let value = NO_VALUE;
  let sender: Address | undefined;
  let causeId: string | undefined;
  let traceparent: string | undefined;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) value = from.message("a record's value", readValue);
    else if (field === 2) sender = from.message("a record's sender", readAddress);
    else if (field === 3) causeId = from.string("the id of a record's cause") || undefined;
    else if (field === 4) traceparent = from.string("a record's trace") || undefined;
    else from.skip();
  }
  return { value, sender: present(sender, "sender"), causeId, traceparent };
}
