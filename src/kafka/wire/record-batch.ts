/**
 * Record batches of version 2, as brokers since 0.11 store and send them:
 * https://kafka.apache.org/documentation/#recordbatch
 *
 *   batch   = int64(base offset) int32(length of what follows) int32(leader epoch) int8(version, 2)
 *             uint32(CRC-32C of what follows) int16(attributes) int32(last offset, from the base)
 *             int64(base time) int64(latest time) int64(producer) int16(producer's epoch)
 *             int32(first sequence) int32(records) record*
 *   record  = varint(length) int8(0) varlong(time, from the base) varint(offset, from the base)
 *             varbytes(key) varbytes(value) varint(headers) (varbytes(name) varbytes(value))*
 *
 *   attributes: bits 0–2 compression of all records together, 3 broker's time, 4 transactional, 5 control
 */
import { fromUtf8, utf8, utf8Length } from "../../base/bytes.ts";
import { crc32c } from "../../base/crc32c.ts";
import { describeError } from "../../base/errors.ts";
import type { Header } from "../../model/message.ts";
import type { Compression, KafkaRecord, NewKafkaRecord, RecordBatch } from "../contract.ts";
import { KafkaProtocolError } from "../error.ts";
import { COMPRESSIONS, compress, decompress } from "./compression.ts";
import { WireReader } from "./reader.ts";
import { varBytesSize, varintSize, varlongSize, WireWriter } from "./writer.ts";

const COMPRESSION = 0x7;
const BROKER_TIME = 0x8;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** In front of what the length counts. */
const HEAD_BYTES = 12;
/** Offset, length, and what says the format: the least that any format has. */
const LEAST_BYTES = 17;
const VERSION_AT = 16;
const LAST_OFFSET_AT = 23;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const NO_HEADERS: readonly Header[] = [];

/** A batch may unpack to as much; larger ones are refused rather than believed. */
const UNPACKED_MAX_BYTES = 256 * 1024 * 1024;

/**
 * The whole batches in what was fetched. The last one may be cut off where the answer's limit was: it comes
 * whole with the next fetch. One that cannot be read is among them, with the reason.
 *
 * @throws KafkaProtocolError when not even the bounds of batches can be told
 */
export async function decodeBatches(bytes: Uint8Array): Promise<RecordBatch[]> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const batches: RecordBatch[] = [];
  for (let at = 0; at + HEAD_BYTES < buffer.byteLength; ) {
    const length = HEAD_BYTES + buffer.readInt32BE(at + 8);
    if (length < LEAST_BYTES) throw new KafkaProtocolError(`a batch has a length of ${length}`);
    if (at + length > buffer.byteLength) break;
    const batch = buffer.subarray(at, at + length);
    at += length;
    try {
      const { head, packed } = readHead(batch);
      const { compression } = head;
      // Most are not packed, and small.
      const body =
        compression === "none" ? packed : await decompress(compression, packed, UNPACKED_MAX_BYTES);
      batches.push(readRecords(head, body));
    } catch (error) {
      batches.push(damagedBatch(batch, buffer.subarray(at), describeError(error)));
    }
  }
  return batches;
}

/** Where it ends is where the next begins; without one, where it says itself. */
function damagedBatch(bytes: Buffer, behind: Buffer, reason: string): RecordBatch {
  const baseOffset = Number(bytes.readBigInt64BE(0));
  const hasLast = bytes[VERSION_AT] === 2 && bytes.byteLength >= LAST_OFFSET_AT + 4;
  const said = baseOffset + Math.max(0, hasLast ? bytes.readInt32BE(LAST_OFFSET_AT) : 0);
  const last = behind.byteLength >= 8 ? Number(behind.readBigInt64BE(0)) - 1 : said;
  return {
    ...{ baseOffset, lastOffset: Math.max(baseOffset, last) },
    ...{ producerId: -1n, isTransactional: false, isControl: false, records: [] },
    damage: { reason, bytes },
  };
}

/** What a batch says of its records. */
interface BatchHead extends Omit<RecordBatch, "records" | "damage"> {
  readonly compression: Compression;
  readonly baseTimeMs: number;
  /** Of all of them; undefined: each has its own. */
  readonly timeMs: number | undefined;
  readonly count: number;
}

function readHead(bytes: Buffer): { readonly head: BatchHead; readonly packed: Uint8Array } {
  const reader = new WireReader(bytes);
  const baseOffset = reader.int64();
  reader.int32(); // its length
  reader.int32(); // leader epoch
  const version = reader.int8();
  if (version !== 2) {
    throw new KafkaProtocolError(
      `the records at offset ${baseOffset} have format ${version}: they were written for Kafka before 0.11, which is not read; copy the topic with a current client`,
    );
  }
  if (reader.uint32() !== crc32c(bytes.subarray(ATTRIBUTES_AT))) {
    throw new KafkaProtocolError(`the batch at offset ${baseOffset} does not match its checksum`);
  }
  const attributes = reader.int16();
  const lastOffset = baseOffset + reader.int32();
  const baseTimeMs = reader.int64();
  const latestTimeMs = reader.int64();
  const producerId = reader.bigInt64();
  reader.int16(); // the producer's epoch
  reader.int32(); // its sequence
  const count = reader.int32();
  const compression = COMPRESSIONS[attributes & COMPRESSION];
  if (compression === undefined) {
    throw new KafkaProtocolError(`the batch at offset ${baseOffset} is packed in an unknown way`);
  }
  const head: BatchHead = {
    baseOffset,
    lastOffset,
    producerId,
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isControl: (attributes & CONTROL) !== 0,
    compression,
    baseTimeMs,
    timeMs: (attributes & BROKER_TIME) === 0 ? undefined : latestTimeMs,
    count,
  };
  return { head, packed: reader.raw(reader.left) };
}

function readRecords(head: BatchHead, bytes: Uint8Array): RecordBatch {
  const { baseOffset, lastOffset, producerId, isTransactional, isControl } = head;
  const body = new WireReader(bytes);
  const records: KafkaRecord[] = [];
  for (let i = 0; i < head.count; i++) {
    records.push(decodeRecord(body, baseOffset, head.baseTimeMs, head.timeMs));
  }
  return { baseOffset, lastOffset, producerId, records, isTransactional, isControl };
}

function decodeRecord(
  body: WireReader,
  baseOffset: number,
  baseTimeMs: number,
  timeMs: number | undefined,
): KafkaRecord {
  const length = body.varint();
  const behind = body.left - length;
  body.int8(); // no attributes are in use
  const sinceMs = body.varlong();
  const offset = baseOffset + body.varint();
  const key = body.varBytes();
  const value = body.varBytes();
  const headers = decodeHeaders(body);
  if (body.left !== behind) {
    throw new KafkaProtocolError(`the record at offset ${offset} is not as long as it says`);
  }
  return { offset, timestampMs: timeMs ?? baseTimeMs + sinceMs, key, value, headers };
}

function decodeHeaders(body: WireReader): readonly Header[] {
  const count = body.varint();
  if (count <= 0) return NO_HEADERS;
  if (count > body.left) throw new KafkaProtocolError(`${count} headers in ${body.left} bytes`);
  const headers: Header[] = [];
  for (let i = 0; i < count; i++) {
    const key = fromUtf8(body.varBytes() ?? new Uint8Array(0));
    headers.push({ key, value: body.varBytes() ?? new Uint8Array(0) });
  }
  return headers;
}

/** What a new batch is stored under. */
export interface BatchOptions {
  readonly compression: Compression;
  /** −1: of nobody. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly isTransactional: boolean;
}

/** One batch of at least one record, with offsets from 0: the broker gives it its place. */
export async function encodeBatch(
  records: readonly NewKafkaRecord[],
  options: BatchOptions,
): Promise<Uint8Array> {
  const baseTimeMs = records[0]?.timestampMs ?? 0;
  let latestTimeMs = baseTimeMs;
  for (const { timestampMs } of records) latestTimeMs = Math.max(latestTimeMs, timestampMs);
  const { compression } = options;
  const batch = new WireWriter(1024);
  batch.int64(0);
  batch.int32(0);
  batch.int32(-1);
  batch.int8(2);
  batch.int32(0);
  const codec = COMPRESSIONS.indexOf(compression);
  batch.int16(codec | (options.isTransactional ? TRANSACTIONAL : 0));
  batch.int32(records.length - 1);
  batch.int64(baseTimeMs);
  batch.int64(latestTimeMs);
  batch.int64(options.producerId);
  batch.int16(options.producerEpoch);
  batch.int32(options.firstSequence);
  batch.int32(records.length);
  if (compression === "none") encodeRecords(batch, records, baseTimeMs);
  else {
    const body = new WireWriter(1024);
    encodeRecords(body, records, baseTimeMs);
    batch.raw(await compress(compression, body.view()));
  }
  batch.int32At(batch.length - HEAD_BYTES, 8);
  batch.uint32At(crc32c(batch.view(ATTRIBUTES_AT)), CRC_AT);
  return batch.view();
}

function encodeRecords(
  to: WireWriter,
  records: readonly NewKafkaRecord[],
  baseTimeMs: number,
): void {
  let offset = 0;
  for (const record of records) encodeRecord(to, record, baseTimeMs, offset++);
}

function encodeRecord(
  to: WireWriter,
  { timestampMs, key, value, headers }: NewKafkaRecord,
  baseTimeMs: number,
  offset: number,
): void {
  const sinceMs = timestampMs - baseTimeMs;
  let length = 1 + varlongSize(sinceMs) + varintSize(offset) + varintSize(headers.length);
  length += varBytesSize(key) + varBytesSize(value);
  for (const header of headers) {
    const name = utf8Length(header.key);
    length += varintSize(name) + name + varBytesSize(header.value);
  }
  to.varint(length);
  to.int8(0);
  to.varlong(sinceMs);
  to.varint(offset);
  to.varBytes(key);
  to.varBytes(value);
  to.varint(headers.length);
  for (const header of headers) {
    to.varBytes(utf8(header.key));
    to.varBytes(header.value);
  }
}
