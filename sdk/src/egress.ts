import { inspect, SdkError } from "./errors.ts";
import { io } from "./protocol.ts";
import { serializeAs, type ValueType } from "./types/value-type.ts";

export const KAFKA_RECORD_TYPENAME =
  "type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord";
export const KINESIS_RECORD_TYPENAME =
  "type.googleapis.com/io.statefun.sdk.egress.KinesisEgressRecord";

/** A record as an egress takes it, already written. Made by {@link kafka} and {@link kinesis}. */
export interface EgressRecord {
  readonly typename: string;
  readonly bytes: Uint8Array;
  /** The type its value was written with, when one was given. */
  readonly valueType: ValueType<unknown> | undefined;
}

export interface KafkaRecord {
  readonly topic: string;
  /** Left out or empty: the record has no key. */
  readonly key?: string;
  /** Text is written as UTF-8. */
  readonly value: string | Uint8Array;
  /** Taken by statefold and its topic log; StateFun 3.3 leaves them out. */
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
}

/** A Kafka record whose value is written with a type, bare: JSON as JSON, a string as the built-in message. */
export interface TypedKafkaRecord<T> extends Omit<KafkaRecord, "value"> {
  readonly valueType: ValueType<T>;
  readonly value: T;
}

/** A record for a Kafka egress, or for a topic of statefold's log. */
export function kafka<T>(record: TypedKafkaRecord<T>): EgressRecord;
export function kafka(record: KafkaRecord): EgressRecord;
export function kafka(record: KafkaRecord | TypedKafkaRecord<unknown>): EgressRecord {
  requireText(record.topic, "kafka: the topic");
  const valueType = "valueType" in record ? record.valueType : undefined;
  const bytes = io.statefun.sdk.egress.KafkaProducerRecord.encode({
    topic: record.topic,
    key: record.key ?? "",
    valueBytes: valueBytes(record.value, valueType),
    headers: record.headers === undefined ? null : headerBytes(record.headers),
  }).finish();
  return { typename: KAFKA_RECORD_TYPENAME, bytes, valueType };
}

export interface KinesisRecord {
  readonly stream: string;
  readonly partitionKey: string;
  /** Left out: Kinesis hashes the partition key. */
  readonly explicitHashKey?: string;
  /** Text is written as UTF-8. */
  readonly value: string | Uint8Array;
}

export interface TypedKinesisRecord<T> extends Omit<KinesisRecord, "value"> {
  readonly valueType: ValueType<T>;
  readonly value: T;
}

/** A record for a Kinesis egress. */
export function kinesis<T>(record: TypedKinesisRecord<T>): EgressRecord;
export function kinesis(record: KinesisRecord): EgressRecord;
export function kinesis(record: KinesisRecord | TypedKinesisRecord<unknown>): EgressRecord {
  requireText(record.stream, "kinesis: the stream");
  requireText(record.partitionKey, "kinesis: the partition key");
  const valueType = "valueType" in record ? record.valueType : undefined;
  const bytes = io.statefun.sdk.egress.KinesisEgressRecord.encode({
    stream: record.stream,
    partitionKey: record.partitionKey,
    valueBytes: valueBytes(record.value, valueType),
    explicitHashKey: record.explicitHashKey ?? "",
  }).finish();
  return { typename: KINESIS_RECORD_TYPENAME, bytes, valueType };
}

const encoder = new TextEncoder();

function valueBytes(value: unknown, valueType: ValueType<unknown> | undefined): Uint8Array {
  if (valueType !== undefined) return serializeAs(valueType, value);
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof Uint8Array) return value;
  throw new SdkError(
    "CONTEXT_MISUSED",
    `${inspect(value)} is no value of a record: give text, a Uint8Array, or a valueType to write it with`,
  );
}

function headerBytes(
  headers: Readonly<Record<string, string | Uint8Array>>,
): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]) => [key, valueBytes(value, undefined)]),
  );
}

function requireText(text: unknown, what: string): void {
  if (typeof text === "string" && text !== "") return;
  throw new SdkError("CONTEXT_MISUSED", `${what} must be a text that is not empty`);
}
