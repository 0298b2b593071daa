import { kafkaClusterContract } from "../../contracts/kafka-cluster.ts";
import { FakeBroker } from "./broker.ts";

kafkaClusterContract("the fake broker", async () => {
  const broker = new FakeBroker({
    nowMs: () => performance.now(),
    later: (waitMs, then) => void setTimeout(then, waitMs),
    endMs: () => 3,
  });
  return {
    client: async () => broker.client(),
    createTopic: async (topic, partitions) => broker.createTopic(topic, partitions),
  };
});
