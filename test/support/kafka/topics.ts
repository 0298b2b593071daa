import { Kafka, logLevel } from "kafkajs";
import { BrokerCluster } from "../../../src/kafka/cluster.ts";
import type { KafkaCluster } from "../../../src/kafka/contract.ts";
import { atEnd, type Scope } from "../cleanup.ts";
import { until } from "../until.ts";
import type { SharedBroker } from "./shared-broker.ts";

/** A client of a broker with connections of its own; whoever makes it closes it. */
export function clientOf({ host, port }: SharedBroker): KafkaCluster {
  return new BrokerCluster({
    ...{ bootstrap: [{ host, port }], clientId: "test", tls: undefined, sasl: undefined },
    ...{ connectTimeoutMs: 5_000, requestTimeoutMs: 20_000 },
  });
}

/** The same, closed with the test. */
export function aClient(t: Scope, broker: SharedBroker): KafkaCluster {
  const client = clientOf(broker);
  atEnd(t, () => client.close());
  return client;
}

export interface NewTopic {
  readonly topic: string;
  readonly numPartitions: number;
  readonly configEntries?: { readonly name: string; readonly value: string }[];
}

/** Resolves when each of their partitions takes records: leaders are named before they know of it. */
export async function createTopics(broker: SharedBroker, ...topics: NewTopic[]): Promise<void> {
  const admin = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({
    topics: topics.map((topic) => ({ ...topic, configEntries: topic.configEntries ?? [] })),
    waitForLeaders: true,
  });
  await admin.disconnect();
  const client = clientOf(broker);
  for (const { topic, numPartitions } of topics) {
    for (let partition = 0; partition < numPartitions; partition++) {
      const isLed = async () => (await client.offset({ topic, partition }, "latest")) >= 0;
      await until(`the leader of ${topic}/${partition}`, isLed, { timeoutMs: 30_000 });
    }
  }
  await client.close();
}

export async function deleteTopic({ address }: SharedBroker, topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
}
