import assert from "node:assert/strict";
import { test } from "node:test";
import { KafkaIngress } from "../../src/ingress/kafka.ts";
import { FakeSink } from "../contracts/fake-sink.ts";
import { type IngressWorld, ingressContract } from "../contracts/ingress.ts";
import { until } from "../support/until.ts";
import { record, SETTINGS, setStage, sinkAt, valuesOf } from "./kafka-stage.ts";

ingressContract("kafka", async (t, topics): Promise<IngressWorld> => {
  const { broker } = setStage(t, topics);
  return {
    ingress: ({ topics: routes, startup, onInvalid }) =>
      new KafkaIngress({
        settings: { ...SETTINGS, topics: routes, onInvalid, startupPosition: { type: startup } },
        connect: () => broker.client(),
      }),
    async produce(topic, partition, records) {
      const log = broker.log({ topic, partition });
      log.append(
        records.map((one) => ({ ...one, timestampMs: 0 })),
        -1n,
        false,
      );
    },
  };
});

const at = (partition: number) => ({ topic: "orders", partition });

function produce(stage: ReturnType<typeof setStage>, partition: number, ...values: string[]): void {
  const records = values.map((value) => record("k", value, Number(value)));
  for (const one of records) stage.broker.log(at(partition)).append([one], -1n, false);
}

const SOURCE = "kafka/ns/in/orders/0";

test("a date begins at the first record that is not older, or at the end", async (t) => {
  const stage = setStage(t, { orders: 2 });
  produce(stage, 0, "10", "20", "30");
  produce(stage, 1, "1", "2");
  const sink = new FakeSink(1);
  await stage.start(sink, { startupPosition: { type: "date", atMs: 15 } });
  produce(stage, 1, "40");
  await sink.waitFor(3);
  assert.deepEqual(valuesOf(sink).sort(), ["20", "30", "40"]);
});

test("group offsets say where to begin; without one autoOffsetResetPosition does", async (t) => {
  const stage = setStage(t, { orders: 2 });
  for (const k of [0, 1]) produce(stage, k, "1", "2", "3");
  await stage.broker.client().commitGroup("group", [{ ...at(0), offset: 2, note: "" }]);
  const sink = new FakeSink(1);
  const startupPosition = { type: "group-offsets" } as const;
  await stage.start(sink, { startupPosition, autoOffsetResetPosition: "earliest" });
  await sink.waitFor(4);
  assert.deepEqual(valuesOf(sink).sort(), ["1", "2", "3", "3"]);
});

test("offsets that are given say where to begin; partitions without one have the group's", async (t) => {
  const stage = setStage(t, { orders: 3 });
  for (const k of [0, 1, 2]) produce(stage, k, `${k}1`, `${k}2`, `${k}3`);
  await stage.broker.client().commitGroup("group", [{ ...at(1), offset: 1, note: "" }]);
  const offsets = [{ ...at(0), offset: 2 }];
  const sink = new FakeSink(1);
  await stage.start(sink, { startupPosition: { type: "specific-offsets", offsets } });
  produce(stage, 2, "29");
  await sink.waitFor(4);
  assert.deepEqual(valuesOf(sink).sort(), ["03", "12", "13", "29"]);
});

test("a saved position wins over every startup position", async (t) => {
  for (const startupPosition of [
    { type: "group-offsets" },
    { type: "latest" },
    { type: "earliest" },
    { type: "date", atMs: 3 },
    { type: "specific-offsets", offsets: [{ ...at(0), offset: 0 }] },
  ] as const) {
    const stage = setStage(t, { orders: 1 });
    produce(stage, 0, "1", "2", "3");
    const sink = sinkAt({ [SOURCE]: 1 });
    const ingress = await stage.start(sink, { startupPosition });
    await sink.waitFor(2);
    assert.deepEqual(valuesOf(sink), ["2", "3"], startupPosition.type);
    await ingress.stop();
  }
});

test("a given offset that is not there follows autoOffsetResetPosition", async (t) => {
  const stage = setStage(t, { orders: 1 });
  produce(stage, 0, "1", "2");
  const offsets = [{ ...at(0), offset: 77 }];
  const sink = new FakeSink(1);
  const startupPosition = { type: "specific-offsets", offsets } as const;
  await stage.start(sink, { startupPosition, autoOffsetResetPosition: "earliest" });
  await sink.waitFor(2);
  assert.deepEqual(valuesOf(sink), ["1", "2"]);
  assert.equal(stage.reports.filter(([level]) => level === "error").length, 1);
});

for (const reset of ["earliest", "latest"] as const) {
  test(`a position that retention has passed goes on at the ${reset} record, and is reported`, async (t) => {
    const stage = setStage(t, { orders: 1 });
    produce(stage, 0, "1", "2", "3", "4");
    stage.broker.log(at(0)).truncate(2);
    const sink = sinkAt({ [SOURCE]: 1 });
    const ingress = await stage.start(sink, { autoOffsetResetPosition: reset });
    await sink.until(() => (sink.nextOf(SOURCE) ?? 0) >= 2);
    await until("nothing is left to read", () => ingress.sources()[0]?.lag === 0);
    produce(stage, 0, "5");
    await sink.until(() => valuesOf(sink).includes("5"));
    assert.deepEqual(valuesOf(sink), reset === "earliest" ? ["3", "4", "5"] : ["5"]);
    const [level, message, fields = {}] = stage.reports[0] ?? [];
    const { position, goesOnAt, unread } = fields;
    assert.deepEqual(
      [level, message, position, goesOnAt, unread],
      [
        ...["error", "The position in a Kafka topic is not there any more."],
        ...[1, ...(reset === "earliest" ? [2, 1] : [4, 3])],
      ],
    );
  });
}

test("a topic that was made anew is read from its beginning, and that is reported", async (t) => {
  const stage = setStage(t, { orders: 1 });
  const sink = sinkAt({ [SOURCE]: 9 });
  produce(stage, 0, "1", "2");
  await stage.start(sink, { autoOffsetResetPosition: "earliest" });
  await sink.waitFor(2);
  assert.deepEqual(valuesOf(sink), ["1", "2"]);
  assert.equal(sink.nextOf(SOURCE), 2);
  const reasons = stage.reports.map(([, , { reason }]) => String(reason));
  assert.match(reasons.join(), /was made anew, or has lost its end/);
});

test("a topic that is not there is waited for, told once, and read from its beginning", async (t) => {
  const stage = setStage(t, {});
  const sink = new FakeSink(1);
  const ingress = await stage.start(sink, { startupPosition: { type: "latest" } });
  assert.deepEqual(
    ingress.sources().map(({ lag, waiting }) => [lag, waiting]),
    [[undefined, "the topic orders does not exist"]],
  );
  const looks = () => stage.asked.filter((request) => request === "leaders").length;
  const before = looks();
  await until("it has looked again", () => looks() > before + 1);
  stage.broker.createTopic("orders", 1);
  produce(stage, 0, "1");
  await sink.waitFor(1);
  assert.deepEqual(valuesOf(sink), ["1"]);
  assert.deepEqual(
    stage.reports.filter(([level]) => level === "warn").map(([, message]) => message),
    ["A Kafka topic does not exist; it is waited for."],
  );
});

test("new partitions are found and read from their beginning, also by a restart", async (t) => {
  const stage = setStage(t, { orders: 1 });
  const sink = new FakeSink(1);
  const latest = { startupPosition: { type: "latest" } } as const;
  produce(stage, 0, "0");
  const first = await stage.start(sink, latest);
  stage.broker.createTopic("orders", 2);
  produce(stage, 1, "1");
  await sink.waitFor(1);
  sink.commit();
  await first.stop();
  stage.broker.createTopic("orders", 3);
  produce(stage, 2, "2");
  await stage.start(sink, latest);
  await sink.waitFor(2);
  assert.deepEqual(valuesOf(sink), ["1", "2"]);
  const news = stage.reports.filter(([, message]) => message.endsWith("is new."));
  assert.deepEqual(
    news.map(([, , { source }]) => source),
    ["kafka/ns/in/orders/1", "kafka/ns/in/orders/2"],
    "each is new once",
  );
});

test("a partition of the first ones that was not begun before a crash has the startup position", async (t) => {
  const stage = setStage(t, { orders: 2 });
  for (const k of [0, 1]) produce(stage, k, "1");
  const sink = sinkAt({ "kafka/ns/in/orders/partitions/0": 2, [SOURCE]: 1 });
  await stage.start(sink, { startupPosition: { type: "latest" } });
  produce(stage, 1, "2");
  await sink.waitFor(1);
  assert.deepEqual(valuesOf(sink), ["2"]);
});

test("without a broker it starts, says so, and reads when there is one", async (t) => {
  const stage = setStage(t, { orders: 1 });
  produce(stage, 0, "1");
  stage.trouble = () => ({ kind: "lost" });
  const sink = new FakeSink(1);
  const ingress = await stage.start(sink);
  assert.match(ingress.sources()[0]?.waiting ?? "", /no answer/);
  stage.trouble = undefined;
  await sink.waitFor(1);
  stage.trouble = (request) => (request === "fetch" ? { kind: "lost" } : undefined);
  await until("it waits", () => ingress.sources()[0]?.waiting !== undefined);
  stage.trouble = undefined;
  await until("it reads", () => ingress.sources()[0]?.waiting === undefined);
});

test("nothing of an aborted transaction is taken, and no key makes a marker", async (t) => {
  const stage = setStage(t, { orders: 1 });
  const log = stage.broker.log(at(0));
  log.append([record("k", "lost")], 5n, true);
  log.append([record("\0\0\0\0", "kept")], 6n, true);
  log.endTransaction(5n, false, 0);
  log.endTransaction(6n, true, 0);
  log.append([record("k", "plain")], -1n, false);
  const sink = new FakeSink(1);
  const ingress = await stage.start(sink);
  await sink.waitFor(2);
  assert.deepEqual(valuesOf(sink), ["kept", "plain"]);
  await until("nothing is left to read", () => ingress.sources()[0]?.lag === 0);
});

test("what cannot be read is asked for again, then follows onInvalid, and stops no other", async (t) => {
  const stage = setStage(t, { orders: 3 });
  produce(stage, 0, "1", "2", "3");
  stage.broker.log(at(0)).damage(1);
  produce(stage, 2, "7"); // on the same broker
  const sink = new FakeSink(1);
  await stage.start(sink);
  await sink.waitFor(4);
  const [bad] = sink.taken.flatMap(({ record: { invalid } }) => invalid ?? []);
  assert.match(bad?.reason ?? "", /orders\/0: the records at 1 to 1 cannot be read: it does not/);
  assert.equal(Buffer.from(bad?.value.value ?? []).toString(), "damaged");
  assert.deepEqual(valuesOf(sink).sort(), ["1", "3", "7"]);
  assert.deepEqual(
    stage.reports.map(([level]) => level),
    ["warn", "error"],
  );
});

test("the group's offsets show what is durable, never more", async (t) => {
  const stage = setStage(t, { orders: 2 });
  produce(stage, 0, "1", "2");
  const sink = new FakeSink(1);
  await stage.start(sink, {}, { commitEveryMs: 1 });
  await sink.waitFor(2);
  sink.commit();
  produce(stage, 0, "3");
  await sink.waitFor(3);
  const offsets = () => stage.broker.offsets.get("group");
  await until("the offset is committed", () => offsets()?.get("orders/0")?.offset === 2);
  assert.equal(offsets()?.get("orders/1")?.offset, 0);
});

test("at a stop the group has what is durable by then", async (t) => {
  const stage = setStage(t, { orders: 1 });
  produce(stage, 0, "1", "2");
  const sink = new FakeSink(1);
  const ingress = await stage.start(sink);
  await sink.waitFor(2);
  sink.commit();
  await ingress.stop();
  assert.equal(stage.broker.offsets.get("group")?.get("orders/0")?.offset, 2);
});

test("that the group's offsets cannot be committed is told once and stops nothing", async (t) => {
  const stage = setStage(t, { orders: 1 });
  const sink = new FakeSink(1);
  stage.trouble = (request) =>
    request === "commitGroup" ? { kind: "error", code: "GROUP_AUTHORIZATION_FAILED" } : undefined;
  const commits = () => stage.asked.filter((request) => request === "commitGroup").length;
  await stage.start(sink, {}, { commitEveryMs: 1 });
  await sink.until(() => sink.nextOf(SOURCE) !== undefined);
  sink.commit();
  await until("it was tried again", () => commits() > 2);
  produce(stage, 0, "1");
  await sink.waitFor(1);
  assert.equal(stage.reports.length, 1);
});

test("the lag is known of a partition whose records nobody takes", async (t) => {
  const stage = setStage(t, { orders: 1 });
  const sink = new FakeSink(1);
  const properties = new Map([["max.partition.fetch.bytes", "1024"]]);
  sink.hold(0);
  const limits = { commitEveryMs: 1, batchRecords: 1 };
  const ingress = await stage.start(sink, { properties }, limits);
  const values = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(100, "0"));
  produce(stage, 0, ...values);
  await until("the lag is known", () => ingress.sources()[0]?.lag === 100);
});

test("a large answer is handed over in batches of batchRecords and batchBytes", async (t) => {
  const stage = setStage(t, { orders: 2 });
  const batch = Array.from({ length: 100 }, (_, i) => record("k", `${i}`.padStart(400, "0")));
  for (const k of [0, 1]) stage.broker.log(at(k)).append(batch, -1n, false);
  const sizes: number[] = [];
  const sink = new FakeSink(1);
  const take = sink.take.bind(sink);
  sink.take = async (partition, given) => {
    if (given.records.length > 0) sizes.push(given.records.length);
    await take(partition, given);
  };
  await stage.start(sink, {}, { batchRecords: 7, batchBytes: 2_000 });
  await sink.waitFor(200);
  assert.equal(Math.max(...sizes), 4); // 501 bytes each
  const other = new FakeSink(1);
  await stage.start(other, { id: "ns/other" }, { batchRecords: 30 });
  await other.waitFor(200);
  assert.equal(other.takes >= 8, true);
});

test("properties without effect are named, wrong ones keep it from starting", async (t) => {
  const stage = setStage(t, { orders: 1 });
  await stage.start(new FakeSink(1), { properties: new Map([["max.poll.records", "5"]]) });
  assert.match(String(stage.reports[0]?.[1]), /^ns\/in: the property max.poll.records has no/);
  const wrong = { properties: new Map([["fetch.min.bytes", "-1"]]) };
  await assert.rejects(stage.start(new FakeSink(1), wrong), { code: "CONFIG_INVALID" });
  const nowhere = new KafkaIngress({ settings: { ...SETTINGS, address: "kafka" } });
  await assert.rejects(nowhere.start(new FakeSink(1)), { code: "CONFIG_INVALID" });
  await nowhere.stop();
});
