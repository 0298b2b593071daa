import assert from "node:assert/strict";
import { test } from "node:test";
import type { NewKafkaRecord } from "../../../src/kafka/contract.ts";
import { decodeBatches, encodeBatch } from "../../../src/kafka/wire/record-batch.ts";
import {
  varBytesSize,
  varintSize,
  varlongSize,
  WireWriter,
} from "../../../src/kafka/wire/writer.ts";

test("records are read as they were written, packed or not, whatever they have", async () => {
  const sizes = [undefined, 0, 1, 63, 64, 127, 128, 8_191, 8_192, 70_000];
  const bytes = (i: number): Uint8Array | undefined => {
    const size = sizes[i % sizes.length];
    return size === undefined ? undefined : new Uint8Array(size).fill(i);
  };
  const times = [0, 1, -1, 63, -65, 2 ** 31, -(2 ** 31) - 1, 2 ** 40];
  const records: NewKafkaRecord[] = Array.from({ length: 150 }, (_, i) => ({
    timestampMs: 2 ** 41 + (times[i % times.length] ?? 0),
    ...{ key: bytes(i + 3), value: bytes(i) },
    headers: Array.from({ length: i % 3 }, (__, k) => ({
      ...{ key: `grüße ${k}`, value: bytes(i + k) ?? new Uint8Array(0) },
    })),
  }));
  for (const compression of ["none", "gzip"] as const) {
    const session = { producerId: 9n, producerEpoch: 3, firstSequence: 77, isTransactional: true };
    const [batch] = await decodeBatches(await encodeBatch(records, { compression, ...session }));
    assert.equal(batch?.damage, undefined);
    const read = batch?.records.map(({ offset: _, ...record }) => plain(record));
    assert.deepEqual(read, records.map(plain));
    assert.deepEqual(
      batch?.records.map(({ offset }) => offset),
      records.map((_, i) => i),
    );
  }
});

function plain({ timestampMs, key, value, headers }: NewKafkaRecord) {
  const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");
  return {
    ...{ timestampMs, key: text(key), value: text(value) },
    headers: headers.map((one) => [one.key, text(one.value)]),
  };
}

test("what a number takes is known before it is written", () => {
  const edges = [0, 1, 6, 7, 13, 14, 20, 21, 27, 28, 31, 32, 40, 52].map((bits) => 2 ** bits);
  const numbers = edges.flatMap((edge) => [edge - 1, edge, edge + 1]);
  for (const number of numbers.flatMap((each) => [each, -each])) {
    const long = new WireWriter();
    long.varlong(number);
    assert.equal(varlongSize(number), long.length, `${number}`);
    if (number !== (number | 0)) continue;
    const short = new WireWriter();
    short.varint(number);
    assert.equal(varintSize(number), short.length, `${number}`);
  }
  for (const bytes of [undefined, new Uint8Array(0), new Uint8Array(64)]) {
    const writer = new WireWriter();
    writer.varBytes(bytes);
    assert.equal(varBytesSize(bytes), writer.length);
  }
});
