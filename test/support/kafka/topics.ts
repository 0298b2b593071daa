import { Kafka, logLevel } from "kafkajs";
import { BrokerCluster } from "../../../src/kafka/cluster.ts";
import type { KafkaCluster } from "../../../src/kafka/contract.ts";
import { atEnd, type Scope } from "../cleanup.ts";
import type { Broker } from "./broker.ts";

/** A client of a broker with connections of its own; whoever makes it closes it. */
export function clientOf({ host, port }: Broker): KafkaCluster {
  return new BrokerCluster({
    ...{ bootstrap: [{ host, port }], clientId: "test", tls: undefined, sasl: undefined },
    ...{ connectTimeoutMs: 5_000, requestTimeoutMs: 20_000 },
  });
}

/** The same, closed with the test. */
export function aClient(t: Scope, broker: Broker): KafkaCluster {
  const client = clientOf(broker);
  atEnd(t, () => client.close());
  return client;
}

export interface NewTopic {
  readonly topic: string;
  readonly numPartitions: number;
  readonly configEntries?: { readonly name: string; readonly value: string }[];
}

export async function createTopics({ address }: Broker, ...topics: NewTopic[]): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({
    topics: topics.map((topic) => ({ ...topic, configEntries: topic.configEntries ?? [] })),
    waitForLeaders: true,
  });
  await admin.disconnect();
}

export async function deleteTopic({ address }: Broker, topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
}
