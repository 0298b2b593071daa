import { isUtf8 } from "node:buffer";
import { EMPTY_BYTES } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import { WireError, WireReader } from "../base/wire-reader.ts";
import type { Header } from "../model/message.ts";
import type { TypedValue } from "../model/typed-value.ts";

/** The only type of value that Kafka egresses, and those to the topic log, take. */
export const KAFKA_PRODUCER_RECORD =
  "type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord";

/** What a function asks to be written to a topic. Its bytes may be views of the function's value. */
export interface ProducerRecord {
  readonly topic: string;
  /** Undefined: an empty key is no key, as in StateFun. */
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array;
  readonly headers: readonly Header[];
}

const NO_HEADERS: readonly Header[] = [];

/** The record in a function's value; or the reason why there is none. */
export function decodeProducerRecord(value: TypedValue): ProducerRecord | string {
  if (value.typename !== KAFKA_PRODUCER_RECORD) {
    return `the egress takes values of type ${KAFKA_PRODUCER_RECORD}, not ${value.typename}`;
  }
  if (!value.hasValue) return "the value is missing";
  try {
    return readRecord(new WireReader(value.value));
  } catch (error) {
    return `the value is no ${KAFKA_PRODUCER_RECORD}: ${describeError(error)}`;
  }
}

/** As generated code reads it, field by field; each record is read twice on its way. */
function readRecord(from: WireReader): ProducerRecord {
  let topic = "";
  let key: Uint8Array | undefined;
  let value = EMPTY_BYTES;
  let headers: Map<string, Uint8Array> | undefined;
  for (let field = from.field(); field !== 0; field = from.field()) {
    switch (field) {
      case 1:
        key = from.bytes("the key");
        if (!isUtf8(key)) throw new WireError("the key is not UTF-8");
        break;
      case 2:
        value = from.bytes("the value");
        break;
      case 3:
        topic = from.name("the topic");
        break;
      case 4: {
        const header = from.message("a header", readHeader);
        headers ??= new Map();
        headers.set(header.key, header.value);
        break;
      }
      default:
        from.skip();
    }
  }
  return {
    topic,
    key: key?.byteLength === 0 ? undefined : key,
    value,
    headers: headers === undefined ? NO_HEADERS : headersOf(headers),
  };
}

function readHeader(from: WireReader): Header {
  let key = "";
  let value = EMPTY_BYTES;
  for (let field = from.field(); field !== 0; field = from.field()) {
    if (field === 1) key = from.string("a header's name");
    else if (field === 2) value = from.bytes("a header's value");
    else from.skip();
  }
  return { key, value };
}

function headersOf(headers: ReadonlyMap<string, Uint8Array>): readonly Header[] {
  return Array.from(headers, ([key, value]) => ({ key, value }));
}
