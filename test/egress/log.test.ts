import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import { utf8 } from "../../src/base/bytes.ts";
import type { EgressRecord } from "../../src/egress/contract.ts";
import { LogEgress } from "../../src/egress/log.ts";
import { KAFKA_PRODUCER_RECORD } from "../../src/egress/producer-record.ts";
import type { LogCut } from "../../src/log/cut.ts";
import type { TopicLogOptions } from "../../src/log/options.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import { egressContract } from "../contracts/egress.ts";
import { SimulatedDisk } from "../log/simulated-disk.ts";
import { readAll, textsOf } from "../log/support.ts";

type Fields = io.statefun.sdk.egress.KafkaProducerRecord.$Properties;

function produced(fields: Fields): TypedValue {
  const value = io.statefun.sdk.egress.KafkaProducerRecord.encode(fields).finish();
  return { typename: KAFKA_PRODUCER_RECORD, hasValue: true, value };
}

function sent(fields: Fields, traceparent?: string): EgressRecord {
  const sender = { type: "ns/fn", id: "1" };
  return { value: produced(fields), sender, causeId: "m1", traceparent };
}

async function texts(log: TopicLog, name: string): Promise<string[]> {
  const topic = await log.topic(name);
  const found: string[] = [];
  for (let k = 0; k < topic.partitionCount; k++)
    found.push(...(await textsOf(await topic.partition(k))));
  return found;
}

egressContract("topic log", async (t) => {
  const log = await TopicLog.open("/data", { files: new SimulatedDisk().boot() });
  t.after(() => log.close());
  return {
    egress: async () => new LogEgress({ id: "ns/out", log }),
    value: (topic, key, payload) => produced({ topic, key: key ?? "", valueBytes: utf8(payload) }),
    payloads: (topic) => texts(log, topic),
    topics: ["orders", "audit"],
    remembers: true,
  };
});

async function opened(
  t: TestContext,
  disk: SimulatedDisk,
  options: TopicLogOptions = {},
): Promise<{ log: TopicLog; egress: LogEgress }> {
  const log = await TopicLog.open("/data", { files: disk.boot(), partitions: 4, ...options });
  t.after(() => log.close());
  return { log, egress: new LogEgress({ id: "ns/out", log }) };
}

test("key, value, headers and trace context reach the record; an empty key is none", async (t) => {
  const { log, egress } = await opened(t, new SimulatedDisk(), { partitions: 1 });
  const headers = { tenant: utf8("seven") };
  await egress.publish(0, 1, [
    sent({ topic: "orders", key: "k", valueBytes: utf8("v"), headers }, "00-a-b-01"),
    sent({ topic: "orders", valueBytes: utf8("") }),
  ]);
  const [first, second] = await readAll(await (await log.topic("orders")).partition(0));
  assert.equal(first?.key?.toString(), "k");
  assert.equal(first?.value?.toString(), "v");
  assert.deepEqual(
    first?.headers.map((header) => [header.key, Buffer.from(header.value).toString()]),
    [
      ["tenant", "seven"],
      ["traceparent", "00-a-b-01"],
    ],
  );
  assert.equal(second?.key, undefined);
  assert.deepEqual(second?.value, Buffer.alloc(0));
});

test("what is no producer record, names no topic or is too large is told with its reason", async (t) => {
  const { egress } = await opened(t, new SimulatedDisk(), { maxRecordBytes: 1000 });
  const typename = KAFKA_PRODUCER_RECORD;
  const value = new Uint8Array([0x0a, 0xff]);
  assert.match(egress.check({ typename, hasValue: true, value }) ?? "", /is no type\.googleapis/);
  assert.match(egress.check({ typename, hasValue: false, value }) ?? "", /missing/);
  assert.match(egress.check(produced({ topic: "../x" })) ?? "", /"\.\.\/x" is no topic name/);
  assert.match(egress.check(produced({})) ?? "", /"" is no topic name/);
  const large = produced({ topic: "t", valueBytes: new Uint8Array(1000) });
  assert.match(egress.check(large) ?? "", /limit of 1000/);
  assert.equal(egress.check(produced({ topic: "t", valueBytes: new Uint8Array(500) })), undefined);
});

test("a topic too many is refused for good, the others are published", async (t) => {
  const { log, egress } = await opened(t, new SimulatedDisk(), { maxTopics: 1 });
  const { refused } = await egress.publish(0, 1, [
    sent({ topic: "one", valueBytes: utf8("a") }),
    sent({ topic: "two", valueBytes: utf8("b") }),
  ]);
  assert.deepEqual(
    refused.map((one) => one.number),
    [2],
  );
  assert.match(refused[0]?.reason ?? "", /topic two is not made/);
  assert.deepEqual(await texts(log, "one"), ["a"]);
});

test("a disk that fails for a while delays what is published, and doubles nothing", async (t) => {
  const disk = new SimulatedDisk();
  const { log, egress } = await opened(t, disk);
  const batch = [..."abcdefgh"].map((text) =>
    sent({ topic: "orders", key: text, valueBytes: utf8(text) }),
  );
  await egress.publish(0, 1, batch.slice(0, 1));
  for (let k = 0; k < 4; k++) await (await log.topic("orders")).partition(k);
  let syncs = 0;
  disk.fault = (operation, path) =>
    operation === "sync" && path.endsWith(".log") && ++syncs === 2 ? new Error("EIO") : undefined;
  await assert.rejects(egress.publish(0, 1, batch), { code: "LOG_WRITE_FAILED" });
  await egress.publish(0, 1, batch);
  assert.deepEqual((await texts(log, "orders")).sort(), [..."abcdefgh"]);
});

test("whatever step of publishing a process dies at, each record is in the log once", async (t) => {
  for (let step = 1; step < 90; step++) {
    const disk = new SimulatedDisk();
    const records = Array.from({ length: 12 }, (_, i) =>
      sent({
        topic: i % 3 === 0 ? "a" : "b",
        key: i % 2 === 0 ? `${i}` : "",
        valueBytes: utf8(`${i}`),
      }),
    );
    const first = await opened(t, disk, { segmentBytes: 300 });
    disk.crashAt = disk.steps + step;
    try {
      await first.egress.publish(0, 1, records.slice(0, 5));
      await first.egress.publish(0, 6, records.slice(5));
    } catch {
      // It died on the way.
    }
    if (step % 2 === 0) disk.losePower();
    else disk.kill();
    const second = await opened(t, disk, { segmentBytes: 300 });
    await second.egress.publish(0, 1, records);
    const found = [...(await texts(second.log, "a")), ...(await texts(second.log, "b"))];
    assert.deepEqual(
      found.map(Number).sort((x, y) => x - y),
      records.map((_, i) => i),
      `step ${step}`,
    );
  }
});

test("numbers may jump, as they do after an accepted loss", async (t) => {
  const { log, egress } = await opened(t, new SimulatedDisk());
  await egress.publish(0, 1, [sent({ topic: "t", valueBytes: utf8("before") })]);
  await egress.publish(0, 2 ** 40 + 1, [sent({ topic: "t", valueBytes: utf8("after") })]);
  assert.deepEqual((await texts(log, "t")).sort(), ["after", "before"]);
});

test("a stopped egress publishes nothing", async (t) => {
  const { egress } = await opened(t, new SimulatedDisk());
  await egress.stop();
  await assert.rejects(egress.publish(0, 1, []), { code: "UNAVAILABLE" });
});

test("the log cuts before it takes what was sent after a cut, and acknowledges with its number", async (t) => {
  const cuts: LogCut[] = [];
  const { egress } = await opened(t, new SimulatedDisk(), {
    ...{ partitions: 1, onCut: (cut) => cuts.push(cut) },
  });
  const publish = (number: number, barrier?: number) =>
    egress.publish(0, number, [sent({ topic: "orders", key: "k" })], undefined, barrier);
  assert.equal((await publish(1)).barrier, 0);
  const later = publish(2, 7);
  assert.equal(cuts[0]?.topics[0]?.partitions[0]?.endOffset, 1);
  assert.equal((await later).barrier, 7);
  assert.equal((await publish(3, 6)).barrier, 7);
  assert.equal(cuts.length, 1);
});
