/* Kafka egresses on a real broker. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { utf8 } from "../../src/base/bytes.ts";
import type { KafkaEgress, KafkaEgressOptions } from "../../src/egress/kafka.ts";
import type { KafkaCluster } from "../../src/kafka/contract.ts";
import { egressContract } from "../contracts/egress.ts";
import { sharedBroker, uniqueName } from "../support/kafka/shared-broker.ts";
import { aClient, clientOf, createTopics, deleteTopic } from "../support/kafka/topics.ts";
import { committed, kafkaEgress, payloads, produced, sent, texts } from "./kafka-world.ts";
import { MemoryIntents } from "./memory-intents.ts";

/** A broker, an application, and topics, with names of their own. */
async function world(t: TestContext) {
  const broker = await sharedBroker();
  const name = uniqueName("t");
  const topics = [`${name}-a`, `${name}-b`] as const;
  const [a, b] = topics;
  await createTopics(broker, { topic: a, numPartitions: 3 }, { topic: b, numPartitions: 1 });
  const intents = new MemoryIntents();
  const egress = async (differences: Partial<KafkaEgressOptions> = {}): Promise<KafkaEgress> => {
    const made = kafkaEgress(() => clientOf(broker), {
      ...{ application: name, intents },
      ...differences,
    });
    t.after(() => made.stop());
    await made.start();
    return made;
  };
  const client = aClient(t, broker);
  return { broker, client, topics, egress };
}

for (const type of ["exactly-once", "at-least-once"] as const) {
  egressContract(`a real broker, ${type}`, async (t) => {
    const { client, topics, egress } = await world(t);
    const transactional = { type: "exactly-once", transactionTimeoutMs: 60_000 } as const;
    const delivery = type === "exactly-once" ? transactional : ({ type } as const);
    return {
      egress: () => egress({ delivery }),
      value: (topic, key, text) => produced({ topic, key: key ?? "", valueBytes: utf8(text) }),
      payloads: (topic) => payloads(client, topic),
      topics,
      remembers: type === "exactly-once",
    };
  });
}

/** Publishes until it is taken, as the publisher does. */
async function publish(
  egress: KafkaEgress,
  ...[partition, first, records]: Parameters<KafkaEgress["publish"]>
) {
  for (;;) {
    try {
      return await egress.publish(partition, first, records);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const numbered = (from: number, until: number, topic: string) =>
  Array.from({ length: until - from }, (_, i) => {
    const valueBytes = utf8(String(from + i));
    return sent({ topic, key: `k${(from + i) % 7}`, valueBytes });
  });

async function assertOnceAndInOrder(found: Awaited<ReturnType<typeof committed>>, count: number) {
  const numbers = found.map((partition) =>
    partition.map(({ value }) => Number(Buffer.from(value ?? []).toString())),
  );
  const ascending = (a: number, b: number) => a - b;
  for (const one of numbers) assert.deepEqual(one, one.toSorted(ascending));
  const all = Array.from({ length: count }, (_, i) => i + 1);
  assert.deepEqual(numbers.flat().toSorted(ascending), all);
}

test("lives that end at any moment leave each record once, and in order", async (t) => {
  const { client, topics, egress } = await world(t);
  const [topic] = topics;
  const total = 1_000;
  let acknowledged = 0;
  for (let life = 0; acknowledged < total; life++) {
    const out = await egress();
    out.open(0, life === 0 ? 1 : total + 1);
    // The next life begins while the last words of this one are on their way.
    const dieAfter = 1 + (life % 4);
    for (let call = 0; call < dieAfter && acknowledged < total; call++) {
      const until = Math.min(total, acknowledged + 60) + 1;
      await publish(out, 0, acknowledged + 1, numbered(acknowledged + 1, until, topic));
      acknowledged = until - 1;
    }
    const more = Math.min(total, acknowledged + 60) + 1;
    const last = out.publish(0, acknowledged + 1, numbered(acknowledged + 1, more, topic));
    last.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, life));
  }
  const out = await egress();
  out.open(0, total + 1);
  await publish(out, 0, 1, numbered(1, total + 1, topic));
  await assertOnceAndInOrder(await committed(client, topic), total);
});

test("what a topic's own limit does not allow is refused, the rest goes in batches that fit", async (t) => {
  const { broker, client, egress } = await world(t);
  const topic = uniqueName("small");
  const configEntries = [{ name: "max.message.bytes", value: "2000" }];
  await createTopics(broker, { topic, numPartitions: 1, configEntries });
  const settings = {
    ...({ compression: "none", maxRecordBytes: 10_000, batchBytes: 10_000 } as const),
    metadataMaxAgeMs: 60_000,
  };
  const out = await egress({ settings });
  out.open(0, 1);
  const lines = Array.from({ length: 50 }, (_, i) => String(i).padEnd(i === 30 ? 5_000 : 100, "."));
  const { refused } = await out.publish(0, 1, texts(topic, lines));
  assert.deepEqual(
    refused.map(({ number }) => number),
    [31],
  );
  const found = await payloads(client, topic);
  assert.deepEqual(
    found,
    lines.filter((_, i) => i !== 30),
  );
});

test("when the marker's topic is deleted, the egress goes on without it", async (t) => {
  const { broker, client, topics, egress } = await world(t);
  const [a, b] = topics;
  const out = await egress();
  out.open(0, 1);
  await out.publish(0, 1, texts(b, ["1", "2"]));
  await deleteTopic(broker, b);
  await publish(out, 0, 3, texts(a, ["3", "4"]));
  const next = await egress();
  next.open(0, 6);
  await publish(next, 0, 3, texts(a, ["3", "4", "5"]));
  assert.deepEqual(await payloads(client, a), ["3", "4", "5"]);
});

test("a transaction that the broker has timed out is published again, once", async (t) => {
  const { broker, client, topics } = await world(t);
  const [, b] = topics;
  let slow = 0;
  const connect = (): KafkaCluster => {
    const cluster = clientOf(broker);
    const end = cluster.endTransaction.bind(cluster);
    cluster.endTransaction = async (session, isCommit) => {
      // All of it is there, and this process sleeps until the broker has given it up.
      if (slow-- > 0) await payloads(client, b);
      await end(session, isCommit);
    };
    return cluster;
  };
  const delivery = { type: "exactly-once", transactionTimeoutMs: 1_000 } as const;
  const out = kafkaEgress(connect, { application: b, delivery });
  t.after(() => out.stop());
  out.open(0, 1);
  await out.publish(0, 1, texts(b, ["1"]));
  slow = 1;
  await assert.rejects(out.publish(0, 2, texts(b, ["2", "3"])), /EPOCH|FENCED|TXN_STATE/);
  // In two, since the first may have been too long.
  await out.publish(0, 2, texts(b, ["2", "3"]));
  assert.deepEqual(await payloads(client, b), ["1", "2", "3"]);
  assert.deepEqual(out.transactions, { committed: 4, aborted: 1 });
});

test("a transaction time-out that the broker does not allow is said in words", async (t) => {
  const { client, topics, egress } = await world(t);
  const [, b] = topics;
  const delivery = { type: "exactly-once", transactionTimeoutMs: 16 * 60_000 } as const;
  const never = await egress({ delivery });
  never.open(0, 1);
  await assert.rejects(never.publish(0, 1, texts(b, ["1"])), /transaction\.max\.timeout\.ms/);
  assert.deepEqual(await payloads(client, b), []);
});
