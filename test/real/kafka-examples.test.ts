/* The examples on a real broker. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import { payloads } from "../egress/kafka-world.ts";
import { fileScope } from "../support/cleanup.ts";
import { type Broker, startBroker } from "../support/kafka/broker.ts";
import { aClient, createTopics } from "../support/kafka/topics.ts";
import { type Script, startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";
import { hasTools, JAVA, MAVEN, PYTHON } from "../support/toolchain.ts";
import { until } from "../support/until.ts";
import { Page } from "./from-statefun.ts";
import { isQuiet, metric } from "./runtime.ts";

const scope = fileScope();
let starting: Promise<Broker> | undefined;

/** One broker for all of them; undefined: the test is skipped. */
async function aBroker(t: TestContext, ...tools: (typeof JAVA)[]): Promise<Broker | undefined> {
  if (!(await hasTools(t, [JAVA, MAVEN, ...tools]))) return undefined;
  starting ??= startBroker(scope);
  return await starting;
}

const DEMO = new URL("../../examples/billing/demo.js", import.meta.url);

async function topicsOf({ address }: Broker): Promise<string[]> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = await admin.listTopics();
  await admin.disconnect();
  return topics.filter((topic) => !topic.startsWith("__"));
}

test("the demo's account comes out on somebody's broker, and its topics are gone again", async (t) => {
  const broker = await aBroker(t);
  if (broker === undefined) return;
  await createTopics(broker, { topic: "somebody-s", numPartitions: 1 });
  const directory = tempDir(t);
  const demo = await startScript(t, {
    script: DEMO,
    args: ["--brokers", broker.address, "--subscriptions", "60", "--seconds", "10"],
    env: { TMPDIR: directory },
  });
  assert.deepEqual(await demo.exited, { code: 0, signal: null }, demo.output);
  assert.match(demo.output, /topics of Kafka\./);
  assert.match(demo.output, /runtime killed {12}[1-9]/);
  assert.match(demo.output, /Every period was billed exactly once\.\n\n$/);
  assert.deepEqual(readdirSync(directory), []);
  assert.deepEqual(await topicsOf(broker), ["somebody-s"]);
});

test("the demo does not take a topic that is somebody else's", async (t) => {
  const broker = await aBroker(t);
  if (broker === undefined) return;
  await createTopics(broker, { topic: "payment_results", numPartitions: 1 });
  const args = ["--brokers", broker.address];
  const demo = await startScript(t, { script: DEMO, args, env: { TMPDIR: tempDir(t) } });
  assert.equal((await demo.exited).code, 1);
  assert.match(demo.output, /has the topic payment_results already/);
  assert((await topicsOf(broker)).includes("payment_results"));
});

test("without Java the demo says what a broker of its own takes", async (t) => {
  const env = { TMPDIR: tempDir(t), PATH: "" };
  const demo = await startScript(t, { script: DEMO, args: ["--kafka"], env });
  assert.equal((await demo.exited).code, 1);
  assert.match(demo.output, /takes Java from 17 and Maven, and there is no "java" here/);
  assert.match(demo.output, /--brokers localhost:9092/);
});

const VISITORS = ["ada", "bob", "ada", "ada", "bob"];

/** What is said to these, one after the other, by functions that remember nobody; sorted. */
const anew = (...names: string[]): string[] => {
  const visits = new Map<string, number>();
  const said = names.map((name) => {
    const count = (visits.get(name) ?? 0) + 1;
    visits.set(name, count);
    return greeting(name, count);
  });
  return said.sort();
};

/** Nobody promises an order between two visitors. */
const linesOf = (output: string): string[] => output.trim().split("\n").sort();

const greeting = (name: string, visits: number): string => {
  if (visits === 1) return `Welcome, ${name}!`;
  if (visits === 2) return `Nice to see you again, ${name}.`;
  return `${name}, this is your visit number ${visits}.`;
};

async function visit({ address }: Broker, ...names: string[]): Promise<void> {
  const producer = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const messages = names.map((name) => ({ key: name, value: JSON.stringify({ name }) }));
  await producer.send({ topic: "visits", messages });
  await producer.disconnect();
}

/** All of the input is done, and what came of it has left. */
async function allDone(runtime: Script): Promise<void> {
  const isDone = async () =>
    (await metric(runtime, "statefold_ingress_lag_records{").catch(() => 1)) === 0 &&
    (await isQuiet(runtime));
  await until("all is done", isDone, { timeoutMs: 60_000, everyMs: 50 });
}

test("an application of StateFun moves over and back as docs/from-statefun.md says", async (t) => {
  const broker = await aBroker(t, PYTHON);
  if (broker === undefined) return;
  const client = aClient(t, broker);
  await createTopics(
    broker,
    ...["visits", "greetings"].map((topic) => ({ topic, numPartitions: 1 })),
  );
  const written = (count: number) =>
    until(`${count} greetings`, async () => (await payloads(client, "greetings")).length >= count, {
      timeoutMs: 60_000,
    });
  await visit(broker, ...VISITORS);
  const page = await Page.open(t, broker);
  assert.match(await page.say(t, "npx statefold check"), /^fine: /);

  // StateFun has handled three of five.
  await page.kafka("kafka-consumer-groups.sh --bootstrap-server localhost:9092 --group greeter");
  const first = await page.run(t, "npx statefold run module.yaml");
  await written(2);
  await allDone(first);
  assert.match(await page.say(t, "npx statefold status", first), /example\/visits/);
  await first.stop();
  const expected = anew(...VISITORS.slice(3));
  assert.deepEqual((await payloads(client, "greetings")).sort(), expected);
  const shown = await page.kafka("kafka-console-consumer.sh", "--max-messages", "2");
  assert.deepEqual(linesOf(shown), expected);
  const group = await page.kafka(
    "kafka-consumer-groups.sh --bootstrap-server localhost:9092 --desc",
  );
  assert.match(group, /greeter +visits +0 +5 +5 +0 /, "where StateFun goes on");
});

test("state comes along by a replay, whose output stays at home", async (t) => {
  const broker = await aBroker(t, PYTHON);
  if (broker === undefined) return;
  const client = aClient(t, broker);
  const page = await Page.open(t, broker);
  const before = await payloads(client, "greetings");
  const replay = await page.run(t, "npx statefold run module.replay.yaml --data ./data");
  await until(
    "it has begun",
    async () => (await page.say(t, "npx statefold topic read", replay)).length > 0,
  );
  await allDone(replay);
  const kept = await page.say(t, "npx statefold topic read greetings", replay);
  assert.deepEqual(linesOf(kept), anew(...VISITORS));
  await replay.stop();

  const real = await page.run(t, "npx statefold run module.yaml");
  await visit(broker, "ada");
  await until(
    "ada is greeted",
    async () => (await payloads(client, "greetings")).length > before.length,
  );
  await allDone(real);
  assert.deepEqual(await payloads(client, "greetings"), [...before, greeting("ada", 4)]);
});
