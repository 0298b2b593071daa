import { Kafka, type KafkaMessage, logLevel } from "kafkajs";
import { PARTITIONS, pathOf } from "./paths.ts";

/*
 * What Kafka and kafkajs take for the way alone, exactly once: reads a topic and writes another. Whatever has
 * come while one transaction was under way makes the next, with the offsets, from all partitions together.
 */
interface Waiting {
  readonly partition: number;
  readonly messages: readonly KafkaMessage[];
  readonly done: () => void;
}

const [, , address = ""] = process.argv;
const { from, to } = pathOf("copy");
const kafka = new Kafka({
  ...{ brokers: [address], logLevel: logLevel.NOTHING },
  // The end of the transaction before takes a few milliseconds.
  retry: { initialRetryTime: 2, multiplier: 1.5, maxRetryTime: 200, retries: 50 },
});
const group = "bench-copy";
const consumer = kafka.consumer({ groupId: group, minBytes: 1, maxWaitTimeInMs: 500 });
const producer = kafka.producer({
  ...{ transactionalId: "bench-copy", idempotent: true, maxInFlightRequests: 1 },
});
let waiting: Waiting[] = [];
let isCopying = false;

async function copy(): Promise<void> {
  if (isCopying) return;
  isCopying = true;
  while (waiting.length > 0) {
    const taken = waiting;
    waiting = [];
    await inTransaction(taken);
    for (const { done } of taken) done();
  }
  isCopying = false;
}

async function inTransaction(taken: readonly Waiting[]): Promise<void> {
  const transaction = await producer.transaction();
  const messages = taken.flatMap((one) => one.messages.map(({ key, value }) => ({ key, value })));
  await transaction.send({ topic: to, messages });
  const partitions = taken.map(({ partition, messages: [...of] }) => {
    return { partition, offset: String(BigInt(of.at(-1)?.offset ?? "0") + 1n) };
  });
  const offsets = { consumerGroupId: group, topics: [{ topic: from, partitions }] };
  for (;;) {
    try {
      await transaction.sendOffsets(offsets);
      break;
    } catch (error) {
      // It is never tried again by itself.
      if (!String(error).includes("concurrent")) throw error;
    }
  }
  await transaction.commit();
}

await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic: from, fromBeginning: true });
consumer.on(consumer.events.GROUP_JOIN, () => process.stdout.write("ready\n"));
consumer.on(consumer.events.CRASH, () => process.exit(1));
await consumer.run({
  ...{ autoCommit: false, eachBatchAutoResolve: true, partitionsConsumedConcurrently: PARTITIONS },
  eachBatch: ({ batch: { partition, messages } }) =>
    new Promise((resolve) => {
      waiting.push({ partition, messages, done: resolve });
      copy().catch((error: Error) => {
        process.stderr.write(`${error.stack}\n`);
        process.exit(1);
      });
    }),
});
