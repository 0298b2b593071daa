import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { type TestContext, test } from "node:test";
import { RuntimeClient } from "../../examples/billing/demo/topics.ts";
import { atEnd } from "../support/cleanup.ts";
import { type Script, startScript } from "../support/process.ts";
import { createRng } from "../support/rng.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import {
  type Added,
  COUNTERS,
  counterId,
  type Heard,
  NEIGHBOURS,
  neighbourOf,
} from "./counting.ts";
import { Load } from "./load.ts";
import { isQuiet, metric, startRuntime } from "./runtime.ts";

/* The compiled runtime under load, killed with -9 again and again, and its functions too. */

const RUNTIME_KILLS = 5;
const FUNCTION_KILLS = 4;

/** Between two kills so many messages are accepted, at least. */
const ACCEPTED_BETWEEN = 100;

const module = (functionsPort: number) => `
kind: io.statefun.endpoints.v2/http
spec:
  functions: count/*
  urlPathTemplate: http://127.0.0.1:${functionsPort}/
---
kind: io.statefun.kafka.v1/ingress
spec:
  id: count/adds
  address: localhost:9092
  consumerGroupId: count
  startupPosition: { type: earliest }
  topics:
    - { topic: adds, valueType: count/Add, targets: [count/counter] }
---
kind: io.statefun.kafka.v1/egress
spec:
  id: count/topics
  address: localhost:9092
  deliverySemantic: { type: exactly-once, transactionTimeout: 1min }
`;

interface Stage {
  readonly runtime: Script;
  readonly functions: Script;
  readonly load: Load;
  readonly read: (topic: string) => Promise<readonly { key: string; value: unknown }[]>;
}

async function setStage(t: TestContext): Promise<Stage> {
  const functions = await startScript(t, {
    script: new URL("./scripts/counting-functions.js", import.meta.url),
    args: (port) => [String(port)],
    ready: /serving/,
  });
  const directory = tempDir(t);
  const runtime = await startRuntime(t, { module: module(functions.port), directory });
  const ending = new AbortController();
  setMaxListeners(0, ending.signal); // every request under way listens
  atEnd(t, () => ending.abort());
  const client = new RuntimeClient(runtime.url, ending.signal);
  const load = new Load(runtime.url, ending.signal);
  return { runtime, functions, load, read: (topic) => client.read(topic) };
}

/** Kills both, in an order that is drawn, each time in the middle of the work. */
async function killAgainAndAgain({ runtime, functions, load }: Stage): Promise<void> {
  const rng = createRng(7);
  const victims = rng.shuffle([
    ...Array.from({ length: RUNTIME_KILLS }, () => runtime),
    ...Array.from({ length: FUNCTION_KILLS }, () => functions),
  ]);
  for (const victim of victims) {
    const before = load.accepted;
    const more = ACCEPTED_BETWEEN + rng.int(ACCEPTED_BETWEEN);
    await until(`${more} more accepted`, () => load.accepted >= before + more);
    await victim.restart();
  }
}

test("nothing is lost, doubled or out of order when both processes are killed under load", async (t) => {
  const stage = await setStage(t);
  const { runtime, load, read } = stage;
  await Promise.all([load.run(COUNTERS), killAgainAndAgain(stage).then(() => load.end())]);
  const written = await read("adds");
  const records = async <T>(topic: string) => (await read(topic)).map(({ value }) => value as T);
  await until("everything is done", async () => {
    const taken = (await records<Added>("added")).filter(({ source }) => source === "topic");
    return taken.length >= written.length && (await isQuiet(runtime));
  });

  const added = await records<Added>("added");
  const heard = await records<Heard>("heard");
  const late = await records<Added>("late");

  await t.test("each counter counts on by one, in the order of its topic", () => {
    for (let index = 0; index < COUNTERS; index++) {
      const totals = added.filter(({ id }) => id === counterId(index)).map(({ total }) => total);
      assert.deepEqual(totals, upTo(totals.length));
    }
  });

  await t.test("what was sent with a key is done once, in the order sent", () => {
    for (const [id, done] of doneBy("keyed", added)) {
      assert.deepEqual(done, load.sent.get(`keyed ${id}`)?.accepted);
    }
  });

  await t.test("what was accepted without a key is done once, and nothing twice", () => {
    for (const [id, done] of doneBy("plain", added)) {
      const { accepted = [], unknown = [] } = load.sent.get(`plain ${id}`) ?? {};
      const surely = new Set(accepted);
      assert.deepEqual(
        done.filter((n) => surely.has(n)),
        accepted,
      );
      assert.equal(new Set(done).size, done.length);
      assert.deepEqual(
        done.filter((n) => !surely.has(n) && !unknown.includes(n)),
        [],
      );
    }
  });

  await t.test("each record of the source topic is taken once, in its order", () => {
    for (const [id, done] of doneBy("topic", added)) {
      const there = written.filter(({ key }) => key === id);
      assert.deepEqual(
        done,
        there.map(({ value }) => (value as Added).n),
      );
      const { accepted = [] } = load.sent.get(`topic ${id}`) ?? {};
      assert(accepted.every((n) => done.includes(n)));
    }
  });

  await t.test("messages from function to function arrive once, in the order sent", () => {
    assert.equal(heard.length, added.length * NEIGHBOURS);
    for (let index = 0; index < COUNTERS; index++) {
      const id = counterId(index);
      const sent = added.filter((each) => each.id === id).map(({ total }) => total);
      for (let step = 1; step <= NEIGHBOURS; step++) {
        const mirror = neighbourOf(id, step);
        const arrived = heard.filter((each) => each.mirror === mirror && each.id === id);
        assert.deepEqual(
          arrived.map(({ total }) => total),
          sent,
        );
      }
      const counts = heard.filter(({ mirror }) => mirror === id).map((each) => each.heard);
      assert.deepEqual(counts, upTo(counts.length));
    }
  });

  await t.test("delayed messages arrive once", () => {
    const name = ({ id, total }: Added) => `${id} ${total}`;
    assert.deepEqual(late.map(name).sort(), added.map(name).sort());
  });

  await t.test("the states are what the topics say, and nothing was given up", async () => {
    for (let index = 0; index < COUNTERS; index++) {
      const id = counterId(index);
      const { length } = added.filter((each) => each.id === id);
      assert.equal(await stateOf(runtime, `count/counter/${id}`), length);
    }
    for (const name of ["drift_messages", "dead_letters", "parked_addresses"]) {
      assert.equal(await metric(runtime, `statefold_partition_${name}`), 0, name);
    }
  });

  t.diagnostic(`${added.length} counted, ${heard.length} heard, ${load.accepted} accepted`);
});

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** The numbers that were counted of one source, by counter, in the order of the topic. */
function doneBy(source: string, added: readonly Added[]): (readonly [string, number[]])[] {
  return upTo(COUNTERS).map((index) => {
    const id = counterId(index);
    const done = added.filter((each) => each.id === id && each.source === source);
    return [id, done.map(({ n }) => n)] as const;
  });
}

async function stateOf(runtime: Script, address: string): Promise<unknown> {
  const response = await fetch(`${runtime.url}/v1/admin/state/${address}`);
  const { states } = (await response.json()) as { states: { value: { value: unknown } }[] };
  return states[0]?.value.value;
}
