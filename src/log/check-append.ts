import { assert } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import { MAX_TIMESTAMP_MS } from "./batch.ts";
import { type NewRecord, type Producer, recordBytes } from "./record.ts";

const MAX_PRODUCER_ID_BYTES = 256;

/** Refuses what the log cannot hold: VALUE_TOO_LARGE, REQUEST_INVALID. */
export function checkAppend(
  records: readonly NewRecord[],
  producer: Producer | undefined,
  maxRecordBytes: number,
): void {
  for (const record of records) {
    const bytes = recordBytes(record);
    if (bytes > maxRecordBytes) {
      const message = `a record of ${bytes} bytes with its headers is over the topic log's limit of ${maxRecordBytes}`;
      throw new StatefoldError("VALUE_TOO_LARGE", message);
    }
    const { timestampMs } = record;
    if (timestampMs === undefined) continue;
    if (!Number.isInteger(timestampMs) || timestampMs < 0 || timestampMs > MAX_TIMESTAMP_MS) {
      const message = `a record's timestamp is ${timestampMs}; it must be a whole number of ms since 1970`;
      throw new StatefoldError("REQUEST_INVALID", message);
    }
  }
  if (producer !== undefined) checkProducer(records.length, producer);
}

function checkProducer(count: number, producer: Producer): void {
  const idBytes = Buffer.byteLength(producer.id);
  if (idBytes < 1 || idBytes > MAX_PRODUCER_ID_BYTES) {
    const message = `a producer's id has ${idBytes} bytes; it must have 1 to ${MAX_PRODUCER_ID_BYTES}`;
    throw new StatefoldError("REQUEST_INVALID", message);
  }
  assert(producer.numbers.length === count, "a producer numbers every record");
  let last = -1;
  for (const number of producer.numbers) {
    assert(Number.isSafeInteger(number) && number > last, "a producer's numbers ascend");
    last = number;
  }
}
