import { kafkaClusterContract } from "../contracts/kafka-cluster.ts";
import { sharedBroker } from "../support/kafka/shared-broker.ts";
import { clientOf, createTopics } from "../support/kafka/topics.ts";

kafkaClusterContract("a real broker", async () => {
  const broker = await sharedBroker();
  return {
    async client() {
      const cluster = clientOf(broker);
      await cluster.connect();
      return cluster;
    },
    createTopic: (topic, numPartitions) => createTopics(broker, { topic, numPartitions }),
  };
});
