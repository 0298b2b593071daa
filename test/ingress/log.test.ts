import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { LogIngress, type LogIngressOptions } from "../../src/ingress/log.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import type { Route } from "../../src/spec/module.ts";
import { FakeSink } from "../contracts/fake-sink.ts";
import { type IngressWorld, ingressContract } from "../contracts/ingress.ts";
import { SimulatedDisk } from "../log/simulated-disk.ts";
import { record } from "../log/support.ts";

ingressContract("topic log", async (t, topics): Promise<IngressWorld> => {
  const log = await TopicLog.open("/data", { files: new SimulatedDisk().boot() });
  t.after(() => log.close());
  for (const [name, partitions] of Object.entries(topics)) await log.topic(name, partitions);
  return {
    ingress: ({ topics: routes, startup, onInvalid }) =>
      new LogIngress({
        settings: { id: "ns/in", topics: routes, startupPosition: { type: startup }, onInvalid },
        log,
        sleep: async () => {},
      }),
    async produce(topic, partition, records) {
      const own = await (await log.topic(topic)).partition(partition);
      await own.append(records.map((one) => ({ ...one, timestampMs: undefined })));
    },
  };
});

const ROUTE: Route = { topic: "orders", valueType: "ns/Order", targets: ["ns/fn"] };

const SETTINGS = {
  id: "ns/in",
  topics: [ROUTE],
  startupPosition: { type: "earliest" },
  onInvalid: "deadLetter",
} as const;

async function logWith(t: TestContext, values: readonly string[], options = {}): Promise<TopicLog> {
  const log = await TopicLog.open("/data", { files: new SimulatedDisk().boot(), ...options });
  t.after(() => log.close());
  const partition = await (await log.topic("orders", 1)).partition(0);
  for (const value of values) await partition.append([record(value, "key")]);
  return log;
}

async function started(
  t: TestContext,
  sink: FakeSink,
  options: LogIngressOptions,
): Promise<LogIngress> {
  const ingress = new LogIngress(options);
  t.after(() => ingress.stop());
  await ingress.start(sink);
  return ingress;
}

test("two ingresses on one topic have positions of their own", async (t) => {
  const log = await logWith(t, ["a"]);
  const sink = new FakeSink(1);
  await started(t, sink, { settings: SETTINGS, log });
  await started(t, sink, { settings: { ...SETTINGS, id: "ns/other" }, log });
  await sink.waitFor(2);
  assert.deepEqual(sink.taken.map((own) => own.source).sort(), [
    "log/ns/in/orders/0",
    "log/ns/other/orders/0",
  ]);
});

test("a position that retention has passed is reported, and reading goes on at the start", async (t) => {
  const values = Array.from({ length: 12 }, (_, i) => `${i}`.padEnd(100, "."));
  const log = await logWith(t, values, { segmentBytes: 300, retention: { maxBytes: 500 } });
  const partition = await (await log.topic("orders")).partition(0);
  await partition.applyRetention();
  const { startOffset } = partition;
  assert(startOffset > 0);
  const sink = new FakeSink(1);
  await sink.take(0, { source: "log/ns/in/orders/0", first: 0, next: 0, records: [] });
  sink.commit();
  const reports: unknown[] = [];
  const report: LogIngressOptions["report"] = (level, message, fields) => {
    if (level === "error") reports.push([message, fields]);
  };
  await started(t, sink, { settings: SETTINGS, log, report });
  await sink.waitFor(12 - startOffset);
  assert.equal(sink.taken[0]?.record.position, startOffset);
  assert.deepEqual(reports, [
    [
      "Retention removed records before they were read.",
      { source: "log/ns/in/orders/0", from: 0, upTo: startOffset - 1, records: startOffset },
    ],
  ]);
});

test("a position behind the topic's end stops the source and says what that means", async (t) => {
  const log = await logWith(t, ["a"]);
  const sink = new FakeSink(1);
  await sink.take(0, { source: "log/ns/in/orders/0", first: 0, next: 7, records: [] });
  sink.commit();
  const ingress = await started(t, sink, { settings: SETTINGS, log });
  const report = await new Promise<string>((resolve) => {
    const again = new LogIngress({
      settings: SETTINGS,
      log,
      report: (_level, _message, fields = {}) => {
        const { reason } = fields;
        resolve(String(reason));
      },
    });
    t.after(() => again.stop());
    void again.start(sink);
  });
  assert.match(report, /position 7 is behind the topic's end 1/);
  assert.equal(ingress.sources()[0]?.stopped?.code, "LOG_CORRUPT");
});

test("what is read ahead is bounded", async (t) => {
  const log = await logWith(
    t,
    Array.from({ length: 50 }, (_, i) => `${i}`),
  );
  const sink = new FakeSink(1);
  sink.hold(0);
  await started(t, sink, { settings: SETTINGS, log, batchRecords: 3 });
  await sink.until(() => sink.takes === 1);
  sink.release(0);
  await sink.waitFor(50);
  assert(sink.takes >= 50 / 3);
});

test("a rewind and a stop are nothing to report", async (t) => {
  const log = await logWith(t, ["a"]);
  const sink = new FakeSink(1);
  const reports: string[] = [];
  const report = (_level: string, message: string): number => reports.push(message);
  const ingress = await started(t, sink, { settings: SETTINGS, log, report });
  await sink.waitFor(1);
  sink.forget();
  ingress.rewind(0);
  await sink.waitFor(1);
  await ingress.stop();
  assert.deepEqual(reports, []);
});

test("a topic that does not exist is made", async (t) => {
  const log = await logWith(t, []);
  const topics = [ROUTE, { ...ROUTE, topic: "fresh" }, { ...ROUTE, valueType: "ns/Last" }];
  const sink = new FakeSink(1);
  await started(t, sink, { settings: { ...SETTINGS, topics }, log });
  assert.equal(log.find("fresh")?.partitionCount, 8);
  await (await log.topic("orders")).append([record("v", "k")]);
  await sink.waitFor(1);
  const [taken] = sink.taken;
  assert.equal(
    taken?.record.messages[0]?.value.typename,
    "ns/Last",
    "named twice: the last counts",
  );
});

test("what is read carries the number of the log's last cut, and so does where it begins", async (t) => {
  const log = await logWith(t, ["a"]);
  log.cutFor(3);
  const sink = new FakeSink(1);
  await started(t, sink, { settings: SETTINGS, log });
  await sink.waitFor(1);
  log.cutFor(4);
  await (await log.topic("orders")).append([record("b", "key")]);
  await sink.waitFor(2);
  assert.deepEqual(
    sink.batches.map(({ barrier }) => barrier),
    [3, 3, 4],
  );
});
