import type { Header } from "../model/message.ts";
import { ByteReader, type ByteWriter } from "./codec.ts";
import type { LogRecord, NewRecord } from "./record.ts";

/**
 * The body of a batch frame: records of one append, with consecutive offsets.
 *
 *   batch    = synced base count timestamp producer record*
 *   synced   = u64      so many bytes of this file were synced before this batch was written
 *   base     = u64      offset of the first record
 *   count    = u32      at least 1
 *   timestamp = u64     of the first record, in ms since the epoch
 *   producer = 00 | 01 text(id) u64(first number) u64(last number)
 *   record   = key value zigzag(timestamp - the batch's) varint(number - the one before; 0 for the first) headers
 *   key, value = varint(0) | varint(length + 1) byte*
 *   headers  = varint(count) (text(key) bytes(value))*
 *
 * A record's number is written only when there is a producer.
 */
export interface Batch {
  readonly synced: number;
  readonly base: number;
  readonly count: number;
  readonly producer: BatchProducer | undefined;
}

export interface BatchProducer {
  readonly id: string;
  readonly first: number;
  readonly last: number;
}

export interface BatchInput {
  readonly synced: number;
  readonly base: number;
  /** At least one. */
  readonly records: readonly NewRecord[];
  readonly producer: { readonly id: string; readonly numbers: readonly number[] } | undefined;
  /** For records without a time of their own. */
  readonly nowMs: number;
}

/** The latest time a record may carry: some 142,000 years from now. */
export const MAX_TIMESTAMP_MS = 2 ** 52 - 1;

export function writeBatch(writer: ByteWriter, batch: BatchInput): void {
  const { records, producer } = batch;
  const first = records[0]?.timestampMs ?? batch.nowMs;
  writer.u64(batch.synced);
  writer.u64(batch.base);
  writer.u32(records.length);
  writer.u64(first);
  let number = producer?.numbers[0] ?? 0;
  if (producer === undefined) {
    writer.u8(0);
  } else {
    writer.u8(1);
    writer.text(producer.id);
    writer.u64(number);
    writer.u64(producer.numbers.at(-1) ?? number);
  }
  records.forEach((record, i) => {
    writeOptional(writer, record.key);
    writeOptional(writer, record.value);
    writer.zigzag((record.timestampMs ?? batch.nowMs) - first);
    if (producer !== undefined) {
      const own = producer.numbers[i] ?? number;
      writer.varint(own - number);
      number = own;
    }
    writer.varint(record.headers.length);
    for (const header of record.headers) {
      writer.text(header.key);
      writer.bytes(header.value);
    }
  });
}

/** What stands before the records: all that a scan needs. */
export function readBatch(body: Buffer): Batch {
  return readPreamble(new ByteReader(body)).batch;
}

/** The batch's records from `offset` on, as views on the body. */
export function readRecords(body: Buffer, offset: number): LogRecord[] {
  const reader = new ByteReader(body);
  const { batch, timestampMs } = readPreamble(reader);
  const records: LogRecord[] = [];
  for (let i = 0; i < batch.count; i++) {
    const key = readOptional(reader);
    const value = readOptional(reader);
    const at = timestampMs + reader.zigzag();
    if (batch.producer !== undefined) reader.varint();
    const headers: Header[] = [];
    for (let left = reader.varint(); left > 0; left--) {
      headers.push({ key: reader.text(), value: reader.bytes() });
    }
    if (batch.base + i < offset) continue;
    records.push({ offset: batch.base + i, key, value, headers, timestampMs: at });
  }
  return records;
}

function readPreamble(reader: ByteReader): { batch: Batch; timestampMs: number } {
  const synced = reader.u64();
  const base = reader.u64();
  const count = reader.u32();
  const timestampMs = reader.u64();
  const producer =
    reader.u8() === 0 ? undefined : { id: reader.text(), first: reader.u64(), last: reader.u64() };
  return { batch: { synced, base, count, producer }, timestampMs };
}

function writeOptional(writer: ByteWriter, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) {
    writer.varint(0);
    return;
  }
  writer.varint(bytes.byteLength + 1);
  writer.raw(bytes);
}

function readOptional(reader: ByteReader): Buffer | undefined {
  const length = reader.varint();
  return length === 0 ? undefined : reader.raw(length - 1);
}
