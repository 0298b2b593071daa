import type { Address, WireAddress } from "../address.ts";
import type { Effects, SentRecord } from "../effects.ts";
import { KAFKA_RECORD_TYPENAME, KINESIS_RECORD_TYPENAME } from "../egress.ts";
import { io } from "../protocol.ts";
import type { TypedValue, ValueType } from "../types/value-type.ts";

const { KafkaProducerRecord, KinesisEgressRecord } = io.statefun.sdk.egress;

/** What a handler did beside its state, as plain values, ready for `assert.deepEqual`. */
export interface PlainEffects {
  /** What `ctx.reply` sent to the caller. */
  readonly replies: readonly PlainValue[];
  /** What was sent by `ctx.send` and `ctx.forward`, in order. */
  readonly messages: readonly PlainMessage[];
  /** What was sent by `ctx.sendAfter`, in order. */
  readonly delayed: readonly PlainDelayedMessage[];
  /** The tokens given to `ctx.cancel`, in order. */
  readonly cancelled: readonly string[];
  /** What was handed to egresses, in order. */
  readonly egress: readonly PlainRecord[];
}

export interface PlainValue {
  /** The type's name. */
  readonly type: string;
  /** Read back from what was written; a forwarded message's bytes. */
  readonly value: unknown;
}

export interface PlainMessage extends PlainValue {
  readonly target: Address;
}

export interface PlainDelayedMessage extends PlainMessage {
  readonly delayMs: number;
  /** Only when one was given. */
  readonly token?: string;
}

/** Values of Kafka and Kinesis records are read with their `valueType`; else text, or bytes if they are none. */
export type PlainRecord = { readonly egress: string } & (
  | PlainValue
  | {
      readonly topic: string;
      readonly key?: string;
      readonly value: unknown;
      readonly headers?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly stream: string;
      readonly partitionKey: string;
      readonly explicitHashKey?: string;
      readonly value: unknown;
    }
);

export function plainEffects(effects: Effects): PlainEffects {
  const replies: PlainValue[] = [];
  const messages: PlainMessage[] = [];
  for (const { target, argument, type, reply } of effects.messages) {
    const plain = plainValue(argument, type);
    if (reply) replies.push(plain);
    else messages.push({ target: plainAddress(target), ...plain });
  }
  const delayed: PlainDelayedMessage[] = [];
  const cancelled: string[] = [];
  for (const effect of effects.delayed) {
    const token = effect.cancellationToken;
    if (effect.isCancellationRequest) {
      cancelled.push(token);
    } else {
      const { delayInMs: delayMs, argument, type } = effect;
      const target = plainAddress(effect.target);
      const plain = { delayMs, target, ...plainValue(argument, type) };
      delayed.push(token === "" ? plain : { ...plain, token });
    }
  }
  return { replies, messages, delayed, cancelled, egress: effects.records.map(plainRecord) };
}

function plainAddress({ namespace, type, id }: WireAddress): Address {
  return { type: `${namespace}/${type}`, id };
}

function plainValue(argument: TypedValue, type: ValueType<unknown> | undefined): PlainValue {
  const value = type === undefined ? argument.value : type.deserialize(argument.value);
  return { type: argument.typename, value };
}

function plainRecord({ egressNamespace, egressType, argument, type }: SentRecord): PlainRecord {
  const egress = `${egressNamespace}/${egressType}`;
  if (argument.typename === KAFKA_RECORD_TYPENAME) {
    const { topic, key, valueBytes, headers } = KafkaProducerRecord.decode(argument.value);
    const names = Object.keys(headers ?? {});
    const texts = names.map((name) => [name, textOrBytes(headers?.[name])]);
    return {
      egress,
      topic: topic ?? "",
      ...(key ? { key } : {}),
      value: content(valueBytes, type),
      ...(names.length > 0 ? { headers: Object.fromEntries(texts) } : {}),
    };
  }
  if (argument.typename === KINESIS_RECORD_TYPENAME) {
    const record = KinesisEgressRecord.decode(argument.value);
    const { explicitHashKey } = record;
    return {
      egress,
      stream: record.stream ?? "",
      partitionKey: record.partitionKey ?? "",
      ...(explicitHashKey ? { explicitHashKey } : {}),
      value: content(record.valueBytes, type),
    };
  }
  return { egress, ...plainValue(argument, type) };
}

function content(
  bytes: Uint8Array | null | undefined,
  type: ValueType<unknown> | undefined,
): unknown {
  return type === undefined ? textOrBytes(bytes) : type.deserialize(bytes ?? new Uint8Array(0));
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOrBytes(bytes: Uint8Array | null | undefined): string | Uint8Array {
  try {
    return decoder.decode(bytes ?? new Uint8Array(0));
  } catch {
    return new Uint8Array(bytes ?? []);
  }
}
