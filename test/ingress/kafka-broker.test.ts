import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Admin, Kafka, logLevel, type Transaction } from "kafkajs";
import { KafkaIngress, type KafkaIngressSettings } from "../../src/ingress/kafka.ts";
import { BrokerCluster } from "../../src/kafka/cluster.ts";
import type { KafkaCluster } from "../../src/kafka/contract.ts";
import { FakeSink } from "../contracts/fake-sink.ts";
import { type IngressWorld, ingressContract, type TestRecord } from "../contracts/ingress.ts";
import { readWithJava } from "../support/kafka/java-reader.ts";
import { type SharedBroker, sharedBroker, uniqueName } from "../support/kafka/shared-broker.ts";
import { createTopics } from "../support/kafka/topics.ts";
import { until } from "../support/until.ts";
import { record, SETTINGS, valuesOf } from "./kafka-stage.ts";

/* The ingress on a real broker, which all tests share; each has topics of its own. */

interface Stage {
  readonly broker: SharedBroker;
  readonly admin: Admin;
  readonly kafka: Kafka;
  readonly topic: string;
  readonly settings: KafkaIngressSettings;
  readonly reports: [level: string, message: string][];
  readonly cluster: KafkaCluster;
  produce(partition: number, records: readonly TestRecord[], timestampMs?: number): Promise<void>;
  start(sink: FakeSink, settings?: Partial<KafkaIngressSettings>): Promise<KafkaIngress>;
}

/** With a topic of so many partitions; none: without. */
async function setStage(
  t: TestContext,
  partitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const broker = await sharedBroker();
  const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  t.after(() => admin.disconnect());
  const topic = uniqueName("topic");
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  if (partitions > 0)
    await createTopics(broker, { topic, numPartitions: partitions, configEntries });
  const cluster = new BrokerCluster({
    ...{ bootstrap: [broker], clientId: "test", tls: undefined, sasl: undefined },
    ...{ connectTimeoutMs: 5_000, requestTimeoutMs: 20_000 },
  });
  t.after(() => cluster.close());
  const [route] = SETTINGS.topics;
  assert(route !== undefined);
  const settings: KafkaIngressSettings = {
    ...{ ...SETTINGS, address: broker.address, consumerGroupId: `group-of-${topic}` },
    topics: [{ ...route, topic }],
  };
  const reports: Stage["reports"] = [];
  return {
    ...{ broker, admin, kafka, topic, settings, reports, cluster },
    async produce(partition, records, timestampMs = 0) {
      const ofBatch = records.map((one) => ({ ...one, timestampMs }));
      const batches = [{ topic, partition, firstSequence: -1, records: ofBatch }];
      const how = { session: undefined, waitForReplicas: true, compression: "none" } as const;
      await until("it is written", async () => {
        const [produced] = await cluster.produce({ ...how, batches });
        return produced?.error === undefined;
      });
    },
    async start(sink, given = {}) {
      const ingress = new KafkaIngress({
        settings: { ...settings, ...given },
        report: (level, message) => reports.push([level, message]),
      });
      t.after(() => ingress.stop());
      await ingress.start(sink);
      return ingress;
    },
  };
}

const texts = (...values: string[]): TestRecord[] => values.map((value) => record("k", value));

ingressContract("kafka on a real broker", async (t, topics): Promise<IngressWorld> => {
  const [[, partitions] = ["", 0]] = Object.entries(topics);
  const stage = await setStage(t, partitions);
  return {
    ingress: ({ topics: routes, startup, onInvalid }) =>
      new KafkaIngress({
        settings: {
          ...{ ...stage.settings, onInvalid, startupPosition: { type: startup } },
          topics: routes.map((route) => ({ ...route, topic: stage.topic })),
        },
      }),
    produce: (_, partition, records) => stage.produce(partition, records),
  };
});

test("on a real broker every startup position begins where it says", async (t) => {
  const { topic, cluster, produce, start, settings } = await setStage(t, 1);
  await produce(0, texts("0", "1"), 1_000);
  await produce(0, texts("2", "3"), 2_000);
  const committed = [{ topic, partition: 0, offset: 3, note: "" }];
  await until("the group's offset is committed", async () => {
    await cluster.commitGroup(settings.consumerGroupId, committed);
    return true;
  });
  const offsets = [{ topic, partition: 0, offset: 1 }];
  const expected = [
    [{ type: "earliest" }, 4],
    [{ type: "specific-offsets", offsets }, 3],
    [{ type: "date", atMs: 1_500 }, 2],
    [{ type: "group-offsets" }, 1],
    [{ type: "latest" }, 0],
  ] as const;
  const sinks = expected.map(() => new FakeSink(1));
  const ingresses = await Promise.all(
    expected.map(([startupPosition], i) => start(sinks[i] ?? new FakeSink(1), { startupPosition })),
  );
  await produce(0, texts("4"));
  for (const [i, [{ type }, before]] of expected.entries()) {
    await sinks[i]?.waitFor(before + 1);
    const taken = sinks[i] === undefined ? [] : valuesOf(sinks[i]);
    assert.deepEqual(taken, ["0", "1", "2", "3", "4"].slice(-before - 1), type);
  }
  await Promise.all(ingresses.map((ingress) => ingress.stop()));
});

for (const codec of ["gzip", "snappy", "lz4", "zstd"]) {
  test(`what Java has compressed with ${codec} is read`, async (t) => {
    const { produce, start } = await setStage(t, 1, { "compression.type": codec });
    const long = Array.from({ length: 500 }, (_, i) => `${i} `.repeat(1 + (i % 90)));
    await produce(0, texts(...long));
    const sink = new FakeSink(1);
    await start(sink);
    await sink.waitFor(500);
    assert.deepEqual(valuesOf(sink), long);
  });
}

test("on a real broker a late topic, and partitions that come later, are read whole", async (t) => {
  const { topic, admin, produce, start, reports } = await setStage(t, 0);
  const sink = new FakeSink(2);
  await start(sink, { startupPosition: { type: "latest" } });
  assert.deepEqual(reports, [["warn", "A Kafka topic does not exist; it is waited for."]]);
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  await produce(0, texts("first"));
  await sink.waitFor(1);
  await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
  await produce(1, texts("second"));
  await sink.waitFor(2);
  assert.deepEqual(valuesOf(sink), ["first", "second"]);
  assert.deepEqual(
    sink.taken.map(({ partition }) => partition),
    [0, 1],
  );
});

test("on a real broker a position that is out of range goes on as the ingress says", async (t) => {
  const { topic, admin, produce, start, reports } = await setStage(t, 1);
  await produce(0, texts("0", "1", "2"));
  await admin.fetchTopicOffsets(topic); // so that it knows the leader
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "2" }] });
  for (const [position, reset] of [
    [1, "earliest"],
    [99, "earliest"],
  ] as const) {
    const source = `kafka/ns/in/${topic}/0`;
    const sink = new FakeSink(1);
    await sink.take(0, { source, first: position, next: position, records: [] });
    sink.commit();
    const ingress = await start(sink, { autoOffsetResetPosition: reset });
    await sink.waitFor(1);
    assert.deepEqual(valuesOf(sink), ["2"]);
    await ingress.stop();
  }
  const errors = reports.filter(([level]) => level === "error");
  assert.equal(errors.length, 2);
});

/** The values that kafkajs's own consumer takes for committed. */
async function readWithKafkajs({ kafka, topic }: Stage, last: string): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: `kafkajs-of-${topic}` });
  await consumer.connect();
  const found: string[] = [];
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => void found.push(String(message.value)),
    });
    await until("the last record", () => found.includes(last));
  } finally {
    await consumer.disconnect();
  }
  return found;
}

test("aborted records that kafkajs lets through are not taken; Java's client says the same", async (t) => {
  const stage = await setStage(t, 1);
  const { kafka, topic, start } = stage;
  const begin = async (name: string): Promise<Transaction> => {
    const transactionalId = `${name}-of-${topic}`;
    const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    t.after(() => producer.disconnect());
    return await producer.transaction();
  };
  const send = async (to: Transaction, key: string | Buffer, value: string): Promise<void> => {
    await to.send({ topic, messages: [{ key, value }] });
  };
  const [first, second, third] = [await begin("a"), await begin("b"), await begin("c")];
  // Two that overlap, the later one aborted first: the broker lists them in that order.
  await send(first, "k", "aborted 1");
  await send(second, "k", "aborted 2");
  await second.abort();
  await first.abort();
  // A record whose key looks like an abort marker's, and one behind it.
  await send(third, Buffer.alloc(4), "aborted 3");
  await send(third, "k", "aborted 4");
  await third.abort();
  const fourth = await begin("d");
  await send(fourth, Buffer.alloc(4), "kept 1");
  await send(fourth, "k", "kept 2");
  await fourth.commit();

  const sink = new FakeSink(1);
  const ingress = await start(sink);
  await sink.waitFor(2);
  await until("the end", () => ingress.sources()[0]?.lag === 0);
  assert.deepEqual(valuesOf(sink), ["kept 1", "kept 2"]);
  assert.deepEqual(await readWithJava(stage.broker.address, topic), ["kept 1", "kept 2"]);
  const wrong = await readWithKafkajs(stage, "kept 2");
  assert(wrong.includes("aborted 1"), wrong.join());
  assert(wrong.includes("aborted 3"), wrong.join());
});

test("on a real broker a partition whose records nobody takes stops no other", async (t) => {
  const { produce, start } = await setStage(t, 2);
  const sink = new FakeSink(2);
  await start(sink, { properties: new Map([["max.partition.fetch.bytes", "1024"]]) });
  sink.hold(0);
  for (let i = 0; i < 20; i++) await produce(0, texts("slow".repeat(200)));
  const quick = () => valuesOf(sink).filter((value) => value.startsWith("quick"));
  for (let i = 0; i < 20; i++) {
    await produce(1, texts(`quick ${i}`));
    await sink.until(() => quick().length > i);
  }
  sink.release(0);
  await sink.waitFor(40);
});

test("the group of a real broker has the durable position", async (t) => {
  const { topic, admin, produce, settings } = await setStage(t, 1);
  await produce(0, texts("0", "1"));
  const sink = new FakeSink(1);
  const ingress = new KafkaIngress({ settings, commitEveryMs: 20 });
  t.after(() => ingress.stop());
  await ingress.start(sink);
  await sink.waitFor(2);
  sink.commit();
  const { consumerGroupId: groupId } = settings;
  await until("the offset", async () => {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return found?.partitions[0]?.offset === "2";
  });
});
