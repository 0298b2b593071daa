import { io } from "@statefold/sdk/protocol";
import { utf8 } from "../../src/base/bytes.ts";
import type { EgressRecord } from "../../src/egress/contract.ts";
import { KafkaEgress, type KafkaEgressOptions } from "../../src/egress/kafka.ts";
import { KAFKA_PRODUCER_RECORD } from "../../src/egress/producer-record.ts";
import type { KafkaCluster, KafkaRecord } from "../../src/kafka/contract.ts";
import { KafkaError } from "../../src/kafka/error.ts";
import { insist } from "../../src/kafka/insist.ts";
import { readCommitted } from "../../src/kafka/read-committed.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import { sleep } from "../../src/node/sleep.ts";
import { MemoryIntents } from "./memory-intents.ts";

/* Kafka egresses on brokers, fake or real, and a consumer that reads committed records. */

type Fields = io.statefun.sdk.egress.KafkaProducerRecord.$Properties;

export function produced(fields: Fields): TypedValue {
  const value = io.statefun.sdk.egress.KafkaProducerRecord.encode(fields).finish();
  return { typename: KAFKA_PRODUCER_RECORD, hasValue: true, value };
}

export function sent(fields: Fields, traceparent?: string): EgressRecord {
  return {
    value: produced(fields),
    sender: { type: "ns/fn", id: "1" },
    causeId: "m1",
    traceparent,
  };
}

/** Records of one key, with these payloads. */
export const texts = (topic: string, payloads: Iterable<string>, key = "k"): EgressRecord[] =>
  [...payloads].map((text) => sent({ topic, key, valueBytes: utf8(text) }));

let processes = 0;

/** As after a start of the process, on the same data unless told otherwise. */
export function kafkaEgress(
  connect: () => KafkaCluster,
  differences: Partial<KafkaEgressOptions> = {},
): KafkaEgress {
  return new KafkaEgress({
    ...{ id: "ns/out", application: "app", acceptLoss: false, connect, sleep },
    delivery: { type: "exactly-once", transactionTimeoutMs: 60_000 },
    settings: {
      ...{ compression: "none", maxRecordBytes: 1_000, batchBytes: 1_000 },
      metadataMaxAgeMs: 60_000,
    },
    owner: { data: "d1", process: `p${++processes}` },
    intents: new MemoryIntents(),
    ...{ nowMs: Date.now, random: Math.random },
    ...differences,
  });
}

/** What a consumer that reads committed records finds once every transaction has ended. */
export async function committed(
  client: KafkaCluster,
  topic: string,
): Promise<readonly (readonly KafkaRecord[])[]> {
  const leaders = (await client.leaders(topic)) ?? [];
  return await Promise.all(
    leaders.map((node, partition) => readAll(client, node, topic, partition)),
  );
}

async function readAll(
  client: KafkaCluster,
  node: number,
  topic: string,
  partition: number,
): Promise<readonly KafkaRecord[]> {
  const read: KafkaRecord[] = [];
  const { signal } = new AbortController();
  const patience = { sleep, signal, random: () => 0.5, tries: 100 };
  for (let from = 0; ; ) {
    const [found] = await insist(patience, async () => {
      const partitions = [{ topic, partition, offset: from, maxBytes: 1_000_000 }];
      const bounds = { maxWaitMs: 1, minBytes: 1, maxBytes: 10_000_000 };
      const fetched = await client.fetch(node, { partitions, ...bounds });
      const [one] = fetched;
      // What is open is about to end.
      if (one !== undefined && one.lastStableOffset < one.highWatermark) {
        throw new KafkaError("CONCURRENT_TRANSACTIONS", topic);
      }
      return fetched;
    });
    if (found === undefined || found.batches.length === 0) return read;
    const { records, next } = readCommitted(found, from);
    read.push(...records);
    from = next;
  }
}

export async function payloads(client: KafkaCluster, topic: string): Promise<string[]> {
  const partitions = await committed(client, topic);
  return partitions.flat().map(({ value }) => Buffer.from(value ?? []).toString());
}
