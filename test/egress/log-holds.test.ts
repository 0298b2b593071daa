import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import { LogEgress } from "../../src/egress/log.ts";
import { logHolds } from "../../src/egress/log-holds.ts";
import { KAFKA_PRODUCER_RECORD } from "../../src/egress/producer-record.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import { SimulatedDisk } from "../log/simulated-disk.ts";

test("what was published is held, what was not is not, each by its topic partition", async (t) => {
  const log = await TopicLog.open("/data", { files: new SimulatedDisk().boot(), partitions: 2 });
  t.after(() => log.close());
  const egress = new LogEgress({ id: "ns/out", log });
  const sent = (topic: string, key: string) => {
    const value = io.statefun.sdk.egress.KafkaProducerRecord.encode({ topic, key }).finish();
    const sender = { type: "ns/fn", id: "1" };
    const typed = { typename: KAFKA_PRODUCER_RECORD, hasValue: true, value };
    return { value: typed, sender, causeId: undefined, traceparent: undefined };
  };
  // "a" and "b" are in two partitions of the topic.
  const topic = await log.topic("orders");
  const keys = ["a", "b", "c", "d", "e"].map((key) => Buffer.from(key));
  assert.equal(new Set(keys.map((key) => topic.partitionFor(key, 0))).size, 2);
  const [one = "", other = ""] = [0, 1].map((k) =>
    keys.find((key) => topic.partitionFor(key, 0) === k)?.toString(),
  );
  await egress.publish(3, 1, [sent("orders", one), sent("orders", other), sent("orders", one)]);
  const holds = await logHolds(log);
  assert(holds("ns/out", 3, 3, sent("orders", one)));
  assert(holds("ns/out", 3, 2, sent("orders", other)));
  assert(!holds("ns/out", 3, 3, sent("orders", other)), "that partition had number 2 last");
  assert(!holds("ns/out", 3, 4, sent("orders", one)));
  assert(!holds("ns/out", 2, 1, sent("orders", one)));
  assert(!holds("ns/other", 3, 1, sent("orders", one)));
  assert(!holds("ns/out", 3, 1, sent("unknown", one)));
  const foreign = { typename: "ns/Other", hasValue: true, value: Buffer.from("x") };
  assert(!holds("ns/out", 3, 1, { value: foreign }));
});
