/* The compiled runtime, publishing to a real broker, while processes are killed or stopped. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Kafka, logLevel } from "kafkajs";
import type { KafkaCluster } from "../../src/kafka/contract.ts";
import { committed } from "../egress/kafka-world.ts";
import { fileScope } from "../support/cleanup.ts";
import { type Broker, startBroker } from "../support/kafka/broker.ts";
import {
  type ReadRecord,
  readWithConsole,
  readWithLibrdkafka,
} from "../support/kafka/other-readers.ts";
import { aClient, createTopics } from "../support/kafka/topics.ts";
import type { Script } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";
import { hasTools, JAVA, PYTHON } from "../support/toolchain.ts";
import { until } from "../support/until.ts";
import { isQuiet, metric, startRuntime } from "./runtime.ts";

const scope = fileScope();
let starting: Promise<Broker> | undefined;

const FUNCTIONS = fileURLToPath(new URL("./scripts/ticket-functions.js", import.meta.url));

const module = (address: string) => `
kind: io.statefold.embedded.v1/functions
spec: { module: ${JSON.stringify(FUNCTIONS)} }
---
kind: io.statefun.kafka.v1/egress
spec:
  id: ticket/printer
  address: ${address}
  deliverySemantic: { type: exactly-once, transactionTimeout: 1min }
---
kind: io.statefun.kafka.v1/egress
spec: { id: ticket/copier, address: "${address}" }
`;

const PARTITIONS = 3;

const OFFICES = ["a", "b", "c", "d", "e", "f"];

interface Stage {
  readonly broker: Broker;
  readonly client: KafkaCluster;
  readonly topic: string;
  readonly directory: string;
  readonly runtime: Script;
}

async function setStage(t: TestContext, topic: string): Promise<Stage> {
  starting ??= startBroker(scope);
  const broker = await starting;
  const [topics, copies] = [topic, `${topic}-copies`];
  await createTopics(
    broker,
    { topic: topics, numPartitions: PARTITIONS },
    { topic: copies, numPartitions: 2 },
  );
  const directory = tempDir(t);
  const options = { module: module(broker.address), directory, embedded: false };
  const runtime = await startRuntime(t, options);
  return { broker, client: aClient(t, broker), topic, directory, runtime };
}

/** Each office gets so many requests, one after the other, each for sure and once. */
async function ask({ runtime, topic }: Stage, from: number, count: number): Promise<void> {
  const one = async (office: string): Promise<void> => {
    for (let i = from; i < from + count; i++) await send(runtime, office, topic, `${office}${i}`);
  };
  await Promise.all(OFFICES.map(one));
}

async function send(runtime: Script, office: string, topic: string, key: string): Promise<void> {
  const isAccepted = () => post(runtime, office, topic, key);
  await until(`${key} to be accepted`, isAccepted, { timeoutMs: 30_000, everyMs: 25 });
}

/** Once; whether it was accepted. */
async function post(runtime: Script, office: string, topic: string, key: string): Promise<boolean> {
  const headers = { "statefold-type": "io.statefun.types/string", "idempotency-key": key };
  const request = { method: "POST", headers, body: topic };
  const answer = await fetch(`${runtime.url}/v1/send/ticket/office/${office}`, request).catch(
    () => undefined, // it is dead just now
  );
  return answer?.status === 202;
}

/** What readers of committed records find: the numbers of each office, in their order. */
async function tickets({ client, topic }: Stage, suffix = ""): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  for (const { key, value } of (await committed(client, `${topic}${suffix}`)).flat()) {
    const office = Buffer.from(key ?? []).toString();
    const numbers = found[office] ?? [];
    found[office] = numbers;
    numbers.push(Number(Buffer.from(value ?? []).toString()));
  }
  return found;
}

const everyOffice = (upTo: number): Record<string, number[]> =>
  Object.fromEntries(OFFICES.map((office) => [office, numbers(upTo)]));

const numbers = (upTo: number): number[] => Array.from({ length: upTo }, (_, i) => i + 1);

const finished = (runtime: Script) =>
  metric(runtime, "statefold_partition_finished_messages_total").catch(() => 0);

const quiet = (runtime: Script) =>
  until("everything to leave", () => isQuiet(runtime), { timeoutMs: 60_000, everyMs: 100 });

test("each record is there once and in order, whoever is killed in the middle", async (t) => {
  const stage = await setStage(t, "tickets");
  const { runtime, broker } = stage;
  let count = 0;
  for (const victim of [broker.script, runtime]) {
    const asking = ask(stage, count, 25);
    const middle = count * OFFICES.length + 30;
    const isThere = async () => (await finished(runtime)) > middle;
    await until("it is in the middle", isThere, { timeoutMs: 30_000, everyMs: 25 });
    await victim.restart();
    await asking;
    await quiet(runtime);
    count += 25;
    // At least once doubles nothing either, as long as the process lives.
    if (victim !== runtime) assert.deepEqual(await tickets(stage, "-copies"), everyOffice(count));
  }
  assert.deepEqual(await tickets(stage), everyOffice(count));
  for (const copies of Object.values(await tickets(stage, "-copies"))) {
    assert.deepEqual([...new Set(copies)], numbers(count), "what comes again comes in order");
  }
  await assertOthersReadTheSame(t, stage, count);
});

/** Clients that others wrote find the same in the topic, keys and headers included. */
async function assertOthersReadTheSame(t: TestContext, { broker, topic }: Stage, count: number) {
  if (!(await hasTools(t, [JAVA, PYTHON]))) return;
  const expected = OFFICES.flatMap((office) =>
    numbers(count).map((number) => `${office} ${number} office:office ${office}`),
  );
  const read = await readWithLibrdkafka(broker, topic, PARTITIONS);
  assert.deepEqual(inOrderOfKeys(read), expected);
  // Whatever else it should not show stands before the last record of its partition.
  await writeLast(broker, topic);
  const shown = await readWithConsole(broker, topic, expected.length + PARTITIONS);
  assert.deepEqual(inOrderOfKeys(shown), [...expected, ...Array(PARTITIONS).fill(LAST)]);
}

/** `key value headers` of each, those of one key in the order they were read. */
function inOrderOfKeys(records: readonly ReadRecord[]): string[] {
  const sorted = records.toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  return sorted.map(({ key, value, headers }) => `${key} ${value} ${headers}`);
}

const LAST = "last last NO_HEADERS";

/** One record more to each partition. */
async function writeLast({ address }: Broker, topic: string): Promise<void> {
  const producer = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const messages = Array.from({ length: PARTITIONS }, (_, partition) => {
    return { partition, key: "last", value: "last" };
  });
  await producer.send({ topic, messages });
  await producer.disconnect();
}

test("a process that sleeps while another takes its place writes nothing, and says why", async (t) => {
  const stage = await setStage(t, "sleepers");
  const { runtime: zombie, directory } = stage;
  await ask(stage, 0, 10);
  // What is on its way may get no answer.
  const asking = OFFICES.map((office) => post(zombie, office, stage.topic, `${office}10`));
  process.kill(zombie.pid, "SIGSTOP");
  const elsewhere = tempDir(t);
  cpSync(directory, elsewhere, { recursive: true });
  const options = { module: module(stage.broker.address), embedded: false };
  const runtime = await startRuntime(t, { ...options, directory: elsewhere });
  const successor = { ...stage, runtime };
  await ask(successor, 10, 5);
  await ask(successor, 15, 5);
  await quiet(runtime);
  process.kill(zombie.pid, "SIGCONT");
  // All partitions have something to say; the first that tries ends it.
  asking.push(...OFFICES.map((office) => post(zombie, office, stage.topic, `${office}15`)));
  const { code } = await zombie.exited;
  assert.equal(code, 1);
  assert.match(zombie.lastWords, /another process publishes as statefold\/ticket\/printer\/\d now/);
  await Promise.all(asking);
  await ask(successor, 20, 2);
  await quiet(runtime);
  assert.deepEqual(await tickets(stage), everyOffice(22));
  assert.ok((await metric(runtime, "statefold_kafka_transactions_total")) > 0);
});
