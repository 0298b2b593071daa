import assert from "node:assert/strict";
import { test } from "node:test";
import { Partitioners } from "kafkajs";
import { Placement } from "../../src/egress/kafka-placement.ts";
import type { KafkaCluster } from "../../src/kafka/contract.ts";
import { KafkaError } from "../../src/kafka/error.ts";
import { FakeBroker } from "../kafka/fake/broker.ts";

function stage() {
  const broker = new FakeBroker({ nowMs: () => 0, later: (_, then) => void setImmediate(then) });
  const asked: string[] = [];
  const waits: number[] = [];
  const sleepers = { now: 0, most: 0 };
  const clock = { nowMs: 0 };
  let leaders = broker.client().leaders;
  const cluster: KafkaCluster = {
    ...broker.client(),
    leaders: async (topic) => {
      asked.push(topic);
      return await leaders(topic);
    },
  };
  const placement = new Placement({
    ...{ cluster, nowMs: () => clock.nowMs, metadataMaxAgeMs: 60_000, batchBytes: 1_000 },
    sleep: async (waitMs) => {
      waits.push(waitMs);
      sleepers.most = Math.max(sleepers.most, ++sleepers.now);
      await new Promise((resolve) => setImmediate(resolve));
      sleepers.now--;
    },
  });
  const place = async (topic: string, key?: string, turn = 0) => {
    const bytes = key === undefined ? undefined : Buffer.from(key);
    const record = { timestampMs: 0, key: bytes, value: Buffer.from("v"), headers: [] };
    const { placed, refused } = await placement.place([{ number: 1, topic, record }], turn);
    return placed[0]?.at.partition ?? refused[0]?.reason;
  };
  return {
    ...{ broker, placement, asked, waits, sleepers, clock, place },
    answer(answers: KafkaCluster["leaders"]): void {
      leaders = answers;
    },
  };
}

test("a record goes where Kafka's default partitioner puts its key, or whose turn it is", async () => {
  const { broker, place } = stage();
  broker.createTopic("t", 8);
  const theirs = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: 8 }, (_, partitionId) => ({
    ...{ partitionId, leader: 0, partitionErrorCode: 0 },
    ...{ replicas: [], isr: [], offlineReplicas: [] },
  }));
  for (const key of ["a", "b", "hello", "münchen", "x".repeat(1_000)]) {
    const message = { key: Buffer.from(key), value: null };
    assert.equal(await place("t", key), theirs({ topic: "t", partitionMetadata, message }));
  }
  assert.deepEqual(await Promise.all([0, 1, 9].map((turn) => place("t", undefined, turn))), [
    ...[0, 1, 1],
  ]);
});

test("a topic that is not there is asked for CREATION_TRIES times, and then not for ABSENT_MS", async () => {
  const { broker, place, asked, waits, clock } = stage();
  assert.equal(await place("t"), "the brokers have no topic t");
  assert.equal(asked.length, 20);
  assert.deepEqual(new Set(waits), new Set([100]));
  broker.createTopic("t", 1);
  clock.nowMs = 9_999;
  assert.equal(await place("t"), "the brokers have no topic t");
  assert.equal(asked.length, 20);
  clock.nowMs = 10_000;
  assert.equal(await place("t"), 0);
});

test("of topics that are not there TOPICS_AT_ONCE are asked for side by side", async () => {
  const { broker, placement, sleepers } = stage();
  broker.createTopic("there", 1);
  const record = { timestampMs: 0, key: undefined, value: Buffer.from("v"), headers: [] };
  const records = Array.from({ length: 251 }, (_, i) => ({
    ...{ number: i + 1, record },
    topic: i === 250 ? "there" : `t${i}`,
  }));
  const { placed, refused } = await placement.place(records, 0);
  assert.equal(sleepers.most, 100);
  assert.deepEqual([placed.length, refused.length], [1, 250]);
});

test("what is known of a topic is asked for again when it is old, and when it is forgotten", async () => {
  const { broker, placement, place, asked, clock } = stage();
  broker.createTopic("t", 1);
  await place("t");
  clock.nowMs = 59_999;
  await place("t");
  assert.equal(asked.length, 1);
  clock.nowMs = 60_000;
  await place("t");
  placement.forget("t");
  await place("t");
  assert.equal(asked.length, 3);
});

test("of TOPICS_MAX topics something is known at most: one more, and all are asked for again", async () => {
  const { broker, place, asked } = stage();
  broker.createTopic("t", 1);
  await place("t");
  for (let i = 1; i < 10_000; i++) {
    broker.createTopic(`t${i}`, 1);
    await place(`t${i}`);
  }
  await place("t");
  assert.equal(asked.length, 10_000);
  broker.createTopic("more", 1);
  await place("more");
  await place("t");
  assert.equal(asked.length, 10_002);
});

test("an answer that passes is waited for, and one that says we may not is the reason", async () => {
  const { place, answer, waits } = stage();
  let times = 0;
  answer(async () => {
    if (times++ < 3) throw new KafkaError("LEADER_NOT_AVAILABLE", "t");
    return [0, 0];
  });
  assert.equal(await place("t", undefined, 1), 1);
  assert.equal(waits.length, 3);
  answer(async (topic) => {
    throw new KafkaError("TOPIC_AUTHORIZATION_FAILED", topic);
  });
  assert.match(
    String(await place("closed")),
    /closed: the broker refuses it \(TOPIC_AUTHORIZATION_FAILED\)/,
  );
});
