import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import { utf8 } from "../../src/base/bytes.ts";
import type { EgressRecord } from "../../src/egress/contract.ts";
import { LogEgress } from "../../src/egress/log.ts";
import { KAFKA_PRODUCER_RECORD } from "../../src/egress/producer-record.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import { SimulatedDisk } from "../log/simulated-disk.ts";
import { textsOf } from "../log/support.ts";

function record(text: string): EgressRecord {
  const { KafkaProducerRecord } = io.statefun.sdk.egress;
  const value = KafkaProducerRecord.encode({ topic: "t", key: "k", valueBytes: utf8(text) });
  return {
    value: { typename: KAFKA_PRODUCER_RECORD, hasValue: true, value: value.finish() },
    sender: { type: "ns/fn", id: "1" },
    ...{ causeId: undefined, traceparent: undefined },
  };
}

test("a call to the topic log's egress that is aborted ends, and may come again with nothing doubled", async (t) => {
  const log = await TopicLog.open("/data", { files: new SimulatedDisk().boot(), partitions: 1 });
  t.after(() => log.close());
  const egress = new LogEgress({ id: "ns/out", log });
  const records = ["a", "b", "c"].map(record);
  const given = new AbortController();
  const publishing = egress.publish(0, 1, records, given.signal);
  given.abort(new Error("too long"));
  await assert.rejects(publishing, /too long/);
  await assert.rejects(egress.publish(0, 1, records, given.signal), /too long/);
  await egress.publish(0, 1, records);
  await egress.stop();
  const topic = await log.topic("t");
  assert.deepEqual(await textsOf(await topic.partition(0)), ["a", "b", "c"]);
});
