/**
 * The demo's topics in Kafka: made when it begins, removed when it ends. Those that are there already are
 * somebody else's, and left alone.
 *
 * They are read with the runtime's own client. That of kafkajs shows records of transactions that were
 * aborted, and each kill -9 of the runtime leaves some behind.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Admin, Kafka, logLevel, type Producer } from "kafkajs";
import { BrokerCluster } from "../../../src/kafka/cluster.ts";
import type { KafkaRecord } from "../../../src/kafka/contract.ts";
import { Fetcher } from "../../../src/kafka/fetcher.ts";
import { parseBootstrap } from "../../../src/kafka/properties.ts";
import type { NewRecord, TopicRecord, Topics } from "./topics.ts";

const PARTITIONS = 4;
const RETRY_MS = 100;
const FETCH = {
  ...{ maxWaitMs: 100, minBytes: 1, maxBytes: 8 * 2 ** 20 },
  ...{ maxPartitionBytes: 2 ** 20, maxHeldBytes: 64 * 2 ** 20 },
};

export class KafkaTopics implements Topics {
  readonly #admin: Admin;
  readonly #producer: Producer;
  readonly #cluster: BrokerCluster;
  readonly #fetcher: Fetcher;
  readonly #signal: AbortSignal;
  #made: readonly string[] = [];

  /** @param signal ends what follows a topic */
  constructor(brokers: string, signal: AbortSignal) {
    const clientId = "billing-demo";
    const kafka = new Kafka({ brokers: brokers.split(","), clientId, logLevel: logLevel.NOTHING });
    this.#admin = kafka.admin();
    this.#producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    this.#cluster = new BrokerCluster({
      ...{ bootstrap: parseBootstrap(brokers), clientId, tls: undefined, sasl: undefined },
      ...{ connectTimeoutMs: 10_000, requestTimeoutMs: 30_000 },
    });
    this.#fetcher = new Fetcher({ cluster: this.#cluster, ...FETCH });
    this.#signal = signal;
  }

  /** @throws Error when one of them is there already */
  async make(names: readonly string[]): Promise<void> {
    await Promise.all([this.#admin.connect(), this.#producer.connect(), this.#cluster.connect()]);
    const there = new Set(await this.#admin.listTopics());
    const taken = names.filter((name) => there.has(name));
    if (taken.length > 0) {
      const topics = `${taken.length === 1 ? "topic" : "topics"} ${taken.join(", ")}`;
      throw new Error(`Kafka has the ${topics} already; the demo makes and removes its own`);
    }
    const topics = names.map((topic) => ({ topic, numPartitions: PARTITIONS }));
    this.#made = names;
    await this.#admin.createTopics({ topics, waitForLeaders: true });
  }

  /** Removes what was made, and disconnects. Idempotent. */
  async close(): Promise<void> {
    const topics = [...this.#made];
    this.#made = [];
    try {
      if (topics.length > 0) await this.#admin.deleteTopics({ topics });
    } finally {
      this.#fetcher.stop();
      await Promise.all([
        this.#cluster.close(),
        this.#producer.disconnect(),
        this.#admin.disconnect(),
      ]);
    }
  }

  async write(topic: string, records: readonly NewRecord[]): Promise<void> {
    const messages = records.map(({ key, value }) => ({ key, value: JSON.stringify(value) }));
    await this.#producer.send({ topic, messages });
  }

  async partitions(): Promise<readonly number[]> {
    return Array.from({ length: PARTITIONS }, (_, partition) => partition);
  }

  async read(topic: string): Promise<TopicRecord[]> {
    const partitions = await this.partitions();
    const all = partitions.map((partition) => this.#readPartition(topic, partition));
    return (await Promise.all(all)).flat();
  }

  async #readPartition(topic: string, partition: number): Promise<TopicRecord[]> {
    const records: TopicRecord[] = [];
    const end = await this.#cluster.offset({ topic, partition }, "latest");
    const tap = this.#fetcher.open({ topic, partition });
    try {
      for (let position = 0; position < end; ) {
        const run = await tap.next(position, this.#signal);
        records.push(...run.records.map((record) => parseRecord(partition, record)));
        position = run.next;
      }
    } finally {
      tap.close();
    }
    return records.filter(({ offset }) => offset < end);
  }

  async *follow(topic: string, partition: number): AsyncGenerator<TopicRecord> {
    const tap = this.#fetcher.open({ topic, partition });
    try {
      for (let position = 0; !this.#signal.aborted; ) {
        const run = await tap.next(position, this.#signal).catch(() => undefined);
        if (run === undefined) {
          await sleep(RETRY_MS, undefined, { signal: this.#signal }).catch(() => {});
          continue;
        }
        for (const record of run.records) yield parseRecord(partition, record);
        position = run.next;
      }
    } finally {
      tap.close();
    }
  }
}

function parseRecord(partition: number, { offset, key, value }: KafkaRecord): TopicRecord {
  const text = Buffer.from(value ?? []).toString();
  return { partition, offset, key: Buffer.from(key ?? []).toString(), value: JSON.parse(text) };
}
