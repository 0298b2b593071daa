import assert from "node:assert/strict";
import { test } from "node:test";
import type { NewKafkaRecord } from "../../../src/kafka/contract.ts";
import { FETCH } from "../../../src/kafka/wire/fetch.ts";
import { WireReader } from "../../../src/kafka/wire/reader.ts";
import { decodeBatches, encodeBatch } from "../../../src/kafka/wire/record-batch.ts";
import { WireWriter } from "../../../src/kafka/wire/writer.ts";

const record = (value: string): NewKafkaRecord => ({
  ...{ timestampMs: 0, key: undefined, headers: [] },
  value: Buffer.from(value),
});

/** A batch as the broker stores it at an offset. */
async function batchAt(offset: number, ...values: string[]): Promise<Buffer> {
  const head = { producerId: -1n, producerEpoch: -1, firstSequence: -1, isTransactional: false };
  const bytes = Buffer.from(
    await encodeBatch(values.map(record), { compression: "none", ...head }),
  );
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return bytes;
}

async function decoded(...batches: readonly Buffer[]) {
  return (await decodeBatches(Buffer.concat(batches))).map((batch) => ({
    from: batch.baseOffset,
    to: batch.lastOffset,
    values: batch.records.map(({ value }) => Buffer.from(value ?? []).toString()),
    damage: batch.damage?.reason,
  }));
}

test("a batch that does not match its checksum is told by its offsets, and those around it are read", async () => {
  const damaged = await batchAt(1, "b", "c");
  damaged.writeUInt8(0xff, damaged.byteLength - 3);
  const [before, behind] = [await batchAt(0, "a"), await batchAt(5, "d")];
  const reason = "the batch at offset 1 does not match its checksum";
  const none = { damage: undefined };
  assert.deepEqual(await decoded(before, damaged, behind), [
    { from: 0, to: 0, values: ["a"], ...none },
    { from: 1, to: 4, values: [], damage: reason },
    { from: 5, to: 5, values: ["d"], ...none },
  ]);
  const [, last] = await decoded(before, damaged);
  assert.deepEqual([last?.from, last?.to], [1, 2]);
});

test("records from before Kafka 0.11 are told as such", async () => {
  const old = Buffer.alloc(40);
  old.writeBigInt64BE(7n, 0);
  old.writeInt32BE(28, 8);
  old[16] = 1;
  const [found, next] = await decoded(old, await batchAt(8, "new"));
  assert.deepEqual([found?.from, found?.to, next?.values], [7, 7, ["new"]]);
  assert.match(found?.damage ?? "", /have format 1: they were written for Kafka before 0\.11/);
});

test("a partition whose batches cannot be told apart is an error of its own", async () => {
  const nonsense = await batchAt(0, "a");
  nonsense.writeInt32BE(-500, 8);
  const partitions = [nonsense, await batchAt(0, "fine")];
  const writer = new WireWriter();
  writer.int32(0);
  writer.int16(0);
  writer.int32(0);
  writer.array(["topic"], (topic) => {
    writer.string(topic);
    writer.array([...partitions.entries()], ([partition, bytes]) => {
      writer.int32(partition);
      writer.int16(0);
      for (let i = 0; i < 3; i++) writer.int64(1);
      writer.array([], () => {});
      writer.int32(-1);
      writer.int32(bytes.byteLength);
      writer.raw(bytes);
    });
  });
  const answer = await FETCH.read(new WireReader(Buffer.from(writer.view())));
  assert.deepEqual(
    answer.partitions.map(({ error, batches }) => [error, batches.length]),
    [
      [2, 0],
      [0, 1],
    ],
  );
});
