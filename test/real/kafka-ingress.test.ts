import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Kafka, logLevel } from "kafkajs";
import { BrokerCluster } from "../../src/kafka/cluster.ts";
import { Fetcher } from "../../src/kafka/fetcher.ts";
import { atEnd } from "../support/cleanup.ts";
import { type Broker, startBroker } from "../support/kafka/broker.ts";
import type { Script } from "../support/process.ts";
import { createRng } from "../support/rng.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { isQuiet, metric, startRuntime } from "./runtime.ts";

/* The compiled runtime reads a real broker's topic, and both are killed with -9 under load. */

const TOPIC = "adds";
const TOPIC_PARTITIONS = 8;
const IDS = 50;
/** The runtime, then it and the broker at once. */
const KILLS = ["r", "rb"];
/** Between two kills so many records are written, at least. */
const WRITTEN_BETWEEN = 400;

const FUNCTIONS = fileURLToPath(new URL("./scripts/kafka-counter.js", import.meta.url));

const module = (address: string) => `
kind: io.statefold.embedded.v1/functions
spec: { module: ${FUNCTIONS} }
---
kind: io.statefun.kafka.v1/ingress
spec:
  id: count/adds
  address: ${address}
  consumerGroupId: count
  startupPosition: { type: earliest }
  topics:
    - { topic: ${TOPIC}, valueType: count/Add, targets: [count/counter] }
`;

/** Writes without pause, whatever happens to the broker; some of it in transactions that are aborted. */
class Writer {
  readonly #kafka: Kafka;
  readonly #rng = createRng(5);
  #isOver = false;
  written = 0;

  constructor(address: string) {
    // The end of the transaction before takes a few milliseconds.
    const retry = { initialRetryTime: 5, multiplier: 1.5, maxRetryTime: 200, retries: 8 };
    this.#kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry });
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const transactionalId = "writer";
      const options = { transactionalId, idempotent: true, maxInFlightRequests: 1 };
      const producer = this.#kafka.producer(options);
      try {
        await producer.connect();
        while (!this.#isOver) {
          const transaction = await producer.transaction();
          await transaction.send({ topic: TOPIC, messages: this.#messages() });
          if (this.#rng.chance(0.2)) await transaction.abort();
          else await transaction.commit();
          this.written += 100;
        }
      } catch {
        // The broker was killed: what became of the transaction the topic itself will say.
        await setTimeout(50);
      }
      await producer.disconnect().catch(() => {});
    }
  }

  end(): void {
    this.#isOver = true;
  }

  #messages(): { key: string; value: string }[] {
    return Array.from({ length: 100 }, () => {
      return { key: `id-${this.#rng.int(IDS)}`, value: String(1 + this.#rng.int(9)) };
    });
  }
}

/** The sum of what is committed in the topic, by key, and how many records that is. */
async function sumsOf(broker: Broker): Promise<{ sums: Map<string, number>; records: number }> {
  const cluster = new BrokerCluster({
    ...{ bootstrap: [broker], clientId: "sums", tls: undefined, sasl: undefined },
    ...{ connectTimeoutMs: 5_000, requestTimeoutMs: 20_000 },
  });
  const limits = { maxWaitMs: 100, minBytes: 1, maxBytes: 1e7, maxPartitionBytes: 1e6 };
  const fetcher = new Fetcher({ cluster, ...limits, maxHeldBytes: 1e8 });
  const sums = new Map<string, number>();
  let records = 0;
  const { signal } = new AbortController();
  for (let partition = 0; partition < TOPIC_PARTITIONS; partition++) {
    const at = { topic: TOPIC, partition };
    const end = await cluster.offset(at, "latest");
    const tap = fetcher.open(at);
    for (let position = 0; position < end; ) {
      const run = await tap.next(position, signal);
      for (const { key, value } of run.records) {
        const id = String(key);
        sums.set(id, (sums.get(id) ?? 0) + Number(value));
        records++;
      }
      position = run.next;
    }
    tap.close();
  }
  fetcher.stop();
  await cluster.close();
  return { sums, records };
}

interface State {
  readonly states: readonly { readonly name: string; readonly value: { readonly value: number } }[];
}

async function countOf(runtime: Script, id: string): Promise<number> {
  const answer = await fetch(`${runtime.url}/v1/admin/state/count/counter/${id}`);
  if (answer.status === 404) return 0;
  const { states } = (await answer.json()) as State;
  return states[0]?.value.value ?? 0;
}

async function stage(t: TestContext): Promise<{ broker: Broker; runtime: Script }> {
  const broker = await startBroker(t);
  const admin = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = [{ topic: TOPIC, numPartitions: TOPIC_PARTITIONS }];
  await admin.createTopics({ topics, waitForLeaders: true });
  await admin.disconnect();
  const directory = tempDir(t);
  const given = { module: module(broker.address), directory, embedded: false };
  const runtime = await startRuntime(t, { ...given, partitions: 3 });
  return { broker, runtime };
}

test("each id has counted every committed record once when node and broker are killed under load", async (t) => {
  const { broker, runtime } = await stage(t);
  const writer = new Writer(broker.address);
  const writing = writer.run();
  atEnd(t, () => writer.end());
  for (const victim of KILLS) {
    const before = writer.written;
    await until("more is written", () => writer.written >= before + WRITTEN_BETWEEN, {
      timeoutMs: 60_000,
    });
    const victims = { r: runtime, b: broker.script };
    await Promise.all([...victim].map((one) => victims[one === "r" ? "r" : "b"].restart()));
  }
  writer.end();
  await writing;

  const { sums, records } = await until("the topic is read", () => sumsOf(broker), {
    timeoutMs: 60_000,
  });
  assert(records >= KILLS.length * 0.5 * WRITTEN_BETWEEN, `${records} records`);
  await until("all of it is done", async () => {
    const lag = await metric(runtime, "statefold_ingress_lag_records{");
    return lag === 0 && (await isQuiet(runtime));
  });
  // What is shown of states is what is durable, a moment later.
  await until("every id has its sum", async () => {
    for (const [id, sum] of sums) assert.equal(await countOf(runtime, id), sum, id);
    return true;
  });
  assert((await metric(runtime, "statefold_kafka_fetch_seconds_count")) > 0);
});
