import { Kafka, logLevel } from "kafkajs";
import { BrokerCluster } from "../../src/kafka/cluster.ts";
import { kafkaClusterContract } from "../contracts/kafka-cluster.ts";
import { fileScope } from "../support/cleanup.ts";
import { type Broker, startBroker } from "../support/kafka/broker.ts";

/** One for all of them: starting takes longer than all the tests. */
const scope = fileScope();
let broker: Promise<Broker> | undefined;

kafkaClusterContract("a real broker", async () => {
  broker ??= startBroker(scope);
  const { address, host, port } = await broker;
  return {
    async client() {
      const cluster = new BrokerCluster({
        ...{ bootstrap: [{ host, port }], clientId: "test", tls: undefined, sasl: undefined },
        ...{ connectTimeoutMs: 5_000, requestTimeoutMs: 20_000 },
      });
      await cluster.connect();
      return cluster;
    },
    async createTopic(topic, numPartitions) {
      const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true });
      await admin.disconnect();
    },
  };
});
