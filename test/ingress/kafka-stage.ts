import type { TestContext } from "node:test";
import { utf8 } from "../../src/base/bytes.ts";
import type { Report } from "../../src/base/report.ts";
import {
  KafkaIngress,
  type KafkaIngressOptions,
  type KafkaIngressSettings,
} from "../../src/ingress/kafka.ts";
import type { NewKafkaRecord } from "../../src/kafka/contract.ts";
import { FakeSink } from "../contracts/fake-sink.ts";
import { FakeBroker, type Trouble } from "../kafka/fake/broker.ts";

/** A broker in memory, and what ingresses that read it have reported. */
export interface Stage {
  readonly broker: FakeBroker;
  readonly reports: [level: string, message: string, fields: Record<string, unknown>][];
  /** What goes wrong with a request. */
  trouble: ((request: string) => Trouble | undefined) | undefined;
  /** Asked of the broker so far. */
  readonly asked: string[];
  start(
    sink: FakeSink,
    settings?: Partial<KafkaIngressSettings>,
    options?: Partial<KafkaIngressOptions>,
  ): Promise<KafkaIngress>;
}

export const SETTINGS: KafkaIngressSettings = {
  ...{ id: "ns/in", address: "fake:9092", consumerGroupId: "group", onInvalid: "deadLetter" },
  topics: [{ topic: "orders", valueType: "ns/Order", targets: ["ns/fn"] }],
  autoOffsetResetPosition: "latest",
  startupPosition: { type: "earliest" },
  properties: new Map([
    ["metadata.max.age.ms", "100"],
    ["fetch.max.wait.ms", "50"],
  ]),
};

export function setStage(t: TestContext, topics: Readonly<Record<string, number>>): Stage {
  const asked: string[] = [];
  const made: { trouble: Stage["trouble"] } = { trouble: undefined };
  const broker = new FakeBroker({
    nowMs: () => performance.now(),
    later: (waitMs, then) => void setTimeout(then, waitMs),
    nodes: 2,
    trouble(request) {
      asked.push(request);
      return made.trouble?.(request);
    },
  });
  for (const [topic, partitions] of Object.entries(topics)) broker.createTopic(topic, partitions);
  const reports: Stage["reports"] = [];
  const report: Report = (level, message, fields = {}) => reports.push([level, message, fields]);
  const start: Stage["start"] = async (sink, settings = {}, options = {}) => {
    const ingress = new KafkaIngress({
      settings: { ...SETTINGS, ...settings },
      connect: () => broker.client(),
      ...{ report, random: () => 0, ...options },
    });
    t.after(() => ingress.stop());
    await ingress.start(sink);
    return ingress;
  };
  return Object.assign(made, { broker, reports, asked, start });
}

export function record(key: string | undefined, value: string, timestampMs = 0): NewKafkaRecord {
  const bytes = key === undefined ? undefined : utf8(key);
  return { timestampMs, key: bytes, value: utf8(value), headers: [] };
}

/** The values of what was taken, from its first messages. */
export function valuesOf(sink: FakeSink): string[] {
  return sink.taken.flatMap(({ record: { messages } }) => {
    const value = messages[0]?.value.value;
    return value === undefined ? [] : [Buffer.from(value).toString()];
  });
}

/** A sink where positions are stored already. */
export function sinkAt(positions: Readonly<Record<string, number>>, partitions = 1): FakeSink {
  const sink = new FakeSink(partitions);
  for (const [source, next] of Object.entries(positions)) {
    void sink.take(0, { source, first: next, next, records: [] });
  }
  sink.commit();
  return sink;
}
