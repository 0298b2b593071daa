import { io } from "@statefold/sdk/protocol";
import { utf8 } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import type { Header } from "../model/message.ts";
import type { TypedValue } from "../model/typed-value.ts";

/** The only type of value that Kafka egresses, and those to the topic log, take. */
export const KAFKA_PRODUCER_RECORD =
  "type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord";

/** What a function asks to be written to a topic. */
export interface ProducerRecord {
  readonly topic: string;
  /** Undefined: an empty key is no key, as in StateFun. */
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array;
  readonly headers: readonly Header[];
}

/** The record in a function's value; or the reason why there is none. */
export function decodeProducerRecord(value: TypedValue): ProducerRecord | string {
  if (value.typename !== KAFKA_PRODUCER_RECORD) {
    return `the egress takes values of type ${KAFKA_PRODUCER_RECORD}, not ${value.typename}`;
  }
  if (!value.hasValue) return "the value is missing";
  try {
    const record = io.statefun.sdk.egress.KafkaProducerRecord.decode(value.value);
    return {
      topic: record.topic,
      key: record.key === "" ? undefined : utf8(record.key),
      value: record.valueBytes,
      headers: Object.entries(record.headers).map(([key, bytes]) => ({ key, value: bytes })),
    };
  } catch (error) {
    return `the value is no ${KAFKA_PRODUCER_RECORD}: ${describeError(error)}`;
  }
}
