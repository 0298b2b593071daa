import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type {
  FetchedPartition,
  KafkaCluster,
  NewKafkaRecord,
  ProducerSession,
  RecordBatch,
  TopicPartition,
} from "../../src/kafka/contract.ts";
import { KafkaError } from "../../src/kafka/error.ts";
import { insist } from "../../src/kafka/insist.ts";
import { readCommitted } from "../../src/kafka/read-committed.ts";

/** A broker that other clients use as well. */
export interface KafkaWorld {
  /** A client of its own, connected. The suite closes it. */
  client(): Promise<KafkaCluster>;
  createTopic(topic: string, partitions: number): Promise<void>;
}

/** Makes one, or gives the same to all: the suite names topics, groups and producers anew each time. */
export type MakeKafkaWorld = (t: TestContext) => Promise<KafkaWorld>;

let names = 0;
const unique = (what: string): string => `${what}-${++names}`;

interface Stage {
  readonly client: KafkaCluster;
  /** Partition 0 of a topic of two. */
  readonly at: TopicPartition;
  another(): Promise<KafkaCluster>;
}

async function stage(t: TestContext, makeWorld: MakeKafkaWorld): Promise<Stage> {
  const world = await makeWorld(t);
  const another = async (): Promise<KafkaCluster> => {
    const client = await world.client();
    t.after(() => client.close());
    return client;
  };
  const topic = unique("topic");
  await world.createTopic(topic, 2);
  return { client: await another(), at: { topic, partition: 0 }, another };
}

const sleep = async (waitMs: number): Promise<void> => await setTimeout(waitMs);
const patience = { sleep, signal: new AbortController().signal, random: () => 0.5, tries: 100 };
const patiently = <T>(ask: () => Promise<T>): Promise<T> => insist(patience, ask);

const record = (key: string, value: string, timestampMs = 1_000_000): NewKafkaRecord => ({
  ...{ timestampMs, headers: [] },
  key: Buffer.from(key),
  value: Buffer.from(value),
});

/** Writes outside any session. */
async function write(client: KafkaCluster, at: TopicPartition, records: NewKafkaRecord[]) {
  const batches = [{ ...at, firstSequence: -1, records }];
  const request = { session: undefined, waitForReplicas: true, compression: "none" } as const;
  const [produced] = await patiently(() => client.produce({ ...request, batches }));
  assert.equal(produced?.error, undefined);
}

/** A session that keeps count of what it sent to one partition. */
class Writer {
  readonly session: ProducerSession;
  readonly #client: KafkaCluster;
  readonly #at: TopicPartition;
  #sequence = 0;

  constructor(client: KafkaCluster, session: ProducerSession, at: TopicPartition) {
    this.#client = client;
    this.session = session;
    this.#at = at;
  }

  async send(...values: string[]): Promise<void> {
    const { session } = this;
    await patiently(() => this.#client.addPartitions(session, [this.#at]));
    assert.equal(await this.produce(values), undefined);
  }

  /** Kafka's name of what went wrong. */
  async produce(values: readonly string[]): Promise<string | undefined> {
    const records = values.map((value) => record("k", value));
    const [produced] = await this.#client.produce({
      ...{ session: this.session, waitForReplicas: true, compression: "none" },
      batches: [{ ...this.#at, firstSequence: this.#sequence, records }],
    });
    if (produced?.error === undefined) this.#sequence += values.length;
    return produced?.error;
  }

  async end(isCommit: boolean): Promise<void> {
    await patiently(() => this.#client.endTransaction(this.session, isCommit));
  }
}

async function writer(client: KafkaCluster, at: TopicPartition, id = unique("tx")) {
  const session = await patiently(() => client.initProducer({ id, timeoutMs: 60_000 }));
  return new Writer(client, session, at);
}

async function fetchOnce(
  client: KafkaCluster,
  at: TopicPartition,
  offset: number,
  maxWaitMs = 100,
  includesOpen = false,
): Promise<FetchedPartition> {
  const node = (await client.leaders(at.topic))?.[at.partition] ?? -1;
  const partitions = [{ ...at, offset, maxBytes: 1_000_000 }];
  const request = { partitions, maxWaitMs, minBytes: 1, maxBytes: 10_000_000, includesOpen };
  const [found] = await patiently(() => client.fetch(node, request));
  assert.ok(found);
  return found;
}

/** The values of `count` committed records from an offset on. */
async function values(client: KafkaCluster, at: TopicPartition, count: number): Promise<string[]> {
  const found: string[] = [];
  for (let offset = 0; found.length < count; ) {
    const { records, next } = readCommitted(await fetchOnce(client, at, offset, 5_000), offset);
    found.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
    offset = next;
  }
  return found;
}

const code = (expected: readonly string[]) => (error: unknown) => {
  assert.ok(error instanceof KafkaError, String(error));
  assert.ok(expected.includes(error.code), error.code);
  return true;
};
const FENCED = ["INVALID_PRODUCER_EPOCH", "PRODUCER_FENCED"];

/** What this project relies on of a Kafka broker. */
export function kafkaClusterContract(name: string, makeWorld: MakeKafkaWorld): void {
  reading(name, makeWorld);
  offsets(name, makeWorld);
  transactions(name, makeWorld);
  ends(name, makeWorld);
  fencing(name, makeWorld);
}

function reading(name: string, makeWorld: MakeKafkaWorld): void {
  test(`${name}: a topic has leaders, one that is not there has none`, async (t) => {
    const { client, at } = await stage(t, makeWorld);
    const leaders = await client.leaders(at.topic);
    assert.equal(leaders?.length, 2);
    assert.equal(await client.leaders(unique("no-such-topic")), undefined);
  });

  test(`${name}: what is written is read, with key, value, headers and time`, async (t) => {
    const { client, at } = await stage(t, makeWorld);
    const headers = [
      { key: "twice", value: Buffer.from("1") },
      { key: "other", value: Buffer.alloc(0) },
      { key: "twice", value: Buffer.from("2") },
    ];
    const bare = { timestampMs: 7_000, key: undefined, value: undefined, headers: [] };
    await write(client, at, [{ ...record("k", "v", 5_000), headers }, bare]);
    const { batches, error } = await fetchOnce(client, at, 0);
    assert.equal(error, undefined);
    const records = batches.flatMap((batch) => batch.records);
    assert.deepEqual(
      records.map(({ offset, timestampMs }) => ({ offset, timestampMs })),
      [
        { offset: 0, timestampMs: 5_000 },
        { offset: 1, timestampMs: 7_000 },
      ],
    );
    assert.equal(Buffer.from(records[0]?.key ?? []).toString(), "k");
    assert.equal(Buffer.from(records[0]?.value ?? []).toString(), "v");
    const read = records[0]?.headers.map(({ key, value }) => `${key}=${Buffer.from(value)}`);
    assert.deepEqual(read, ["twice=1", "other=", "twice=2"]);
    assert.equal(records[1]?.key, undefined);
    assert.equal(records[1]?.value, undefined);
  });

  test(`${name}: a fetch waits for what is written meanwhile`, async (t) => {
    const { client, at, another } = await stage(t, makeWorld);
    const fetching = fetchOnce(client, at, 0, 5_000);
    await write(await another(), at, [record("k", "v")]);
    const { batches } = await fetching;
    assert.equal(batches.length, 1);
  });

  test(`${name}: an offset that is not there, and a topic that is not, are errors of their partition`, async (t) => {
    const { client, at } = await stage(t, makeWorld);
    assert.equal((await fetchOnce(client, at, 9)).error, "OFFSET_OUT_OF_RANGE");
    const node = (await client.leaders(at.topic))?.[0] ?? -1;
    const partitions = [{ topic: unique("none"), partition: 0, offset: 0, maxBytes: 1_000 }];
    const request = { partitions, maxWaitMs: 100, minBytes: 1, maxBytes: 1_000 };
    const [found] = await client.fetch(node, request);
    assert.equal(found?.error, "UNKNOWN_TOPIC_OR_PARTITION");
  });
}

function offsets(name: string, makeWorld: MakeKafkaWorld): void {
  test(`${name}: offsets are found by place and by time`, async (t) => {
    const { client, at } = await stage(t, makeWorld);
    assert.equal(await client.offset(at, "earliest"), 0);
    assert.equal(await client.offset(at, "latest"), 0);
    await write(client, at, [record("k", "a", 1_000)]);
    await write(client, at, [record("k", "b", 2_000)]);
    assert.equal(await client.offset(at, "latest"), 2);
    assert.equal(await client.offset(at, { atMs: 1_001 }), 1);
    assert.equal(await client.offset(at, { atMs: 9_000 }), 2);
  });

  test(`${name}: a group without members has the offset that was committed for it`, async (t) => {
    const { client, at } = await stage(t, makeWorld);
    const group = unique("group");
    assert.deepEqual(await patiently(() => client.groupOffsets(group)), []);
    const committed = [
      { ...at, offset: 5, note: "mine" },
      { ...at, partition: 1, offset: 0, note: "" },
    ];
    await patiently(() => client.commitGroup(group, committed));
    const found = await client.groupOffsets(group);
    assert.deepEqual(
      found.toSorted((a, b) => a.partition - b.partition),
      committed,
    );
  });
}

function transactions(name: string, makeWorld: MakeKafkaWorld): void {
  test(`${name}: nothing of an open transaction is read, and then all of it`, async (t) => {
    const { client, at, another } = await stage(t, makeWorld);
    const open = await writer(client, at);
    await open.send("a", "b");
    const other = await another();
    const meanwhile = await fetchOnce(other, at, 0);
    assert.deepEqual(readCommitted(meanwhile, 0).records, []);
    assert.equal(await other.offset(at, "latest"), 0);
    await open.end(true);
    assert.deepEqual(await values(other, at, 2), ["a", "b"]);
  });

  test(`${name}: aborted transactions of several producers are told from the others`, async (t) => {
    const { client, at } = await stage(t, makeWorld);
    const writers = [await writer(client, at), await writer(client, at), await writer(client, at)];
    const expected: string[] = [];
    for (let round = 0; round < 6; round++) {
      for (const [i, one] of writers.entries()) await one.send(`${round}/${i}`, `${round}/${i}b`);
      for (const [i, one] of writers.entries()) {
        const isCommit = (round + i) % 3 === 0;
        if (isCommit) expected.push(`${round}/${i}`, `${round}/${i}b`);
        await one.end(isCommit);
      }
      // Looks like a marker to whoever looks at the key.
      await write(client, at, [{ ...record("", `plain ${round}`), key: Buffer.alloc(4) }]);
      expected.push(`plain ${round}`);
    }
    assert.deepEqual(await values(client, at, expected.length), expected);
  });

  test(`${name}: the marker's number is committed with the records, or not at all`, async (t) => {
    const { client, at } = await stage(t, makeWorld);
    const group = unique("marker");
    const one = await writer(client, at);
    const mark = async (offset: number): Promise<void> => {
      await patiently(() => client.addOffsets(one.session, group));
      const offsetsOf = [{ ...at, offset, note: `n${offset}` }];
      await patiently(() => client.commitOffsets(one.session, group, offsetsOf));
    };
    await one.send("a");
    await mark(1);
    await one.end(true);
    await patiently(() => client.groupOffsets(group, true));
    await one.send("b");
    await mark(2);
    await assert.rejects(client.groupOffsets(group, true), code(["UNSTABLE_OFFSET_COMMIT"]));
    await one.end(false);
    // A new session waits until the one before has ended altogether.
    await writer(client, at, one.session.transactionalId);
    assert.deepEqual(await client.groupOffsets(group), [{ ...at, offset: 1, note: "n1" }]);
    assert.deepEqual(await values(client, at, 1), ["a"]);
  });
}

function ends(name: string, makeWorld: MakeKafkaWorld): void {
  test(`${name}: the end of a transaction can be read behind one that is open`, async (t) => {
    const { client, at } = await stage(t, makeWorld);
    const [open, ended] = [await writer(client, at), await writer(client, at)];
    await open.send("a");
    await ended.send("b");
    await ended.end(true);
    // A new session waits until the one before has ended altogether.
    await writer(client, at, ended.session.transactionalId);
    const { batches, lastStableOffset } = await fetchOnce(client, at, 0);
    assert.deepEqual([batches.length, lastStableOffset], [0, 0]);
    const all: RecordBatch[] = [];
    for (let offset = 0; offset < 3; offset = (all.at(-1)?.lastOffset ?? offset) + 1) {
      all.push(...(await fetchOnce(client, at, offset, 100, true)).batches);
    }
    assert.deepEqual(
      all.map(({ isControl, producerId }) => [isControl, producerId]),
      [
        [false, open.session.producerId],
        [false, ended.session.producerId],
        [true, ended.session.producerId],
      ],
    );
    await open.end(false);
  });
}

function fencing(name: string, makeWorld: MakeKafkaWorld): void {
  test(`${name}: a new session aborts what the one before left open, and fences it`, async (t) => {
    const { client, at, another } = await stage(t, makeWorld);
    const zombie = await writer(client, at);
    await zombie.send("lost");
    const other = await another();
    const successor = await writer(other, at, zombie.session.transactionalId);
    assert.ok(successor.session.producerEpoch > zombie.session.producerEpoch);
    await assert.rejects(zombie.end(true), code(FENCED));
    await assert.rejects(zombie.send("late"), code(FENCED));
    assert.ok(FENCED.includes((await zombie.produce(["later"])) ?? ""));
    await assert.rejects(
      patiently(() => client.addOffsets(zombie.session, unique("marker"))),
      code(FENCED),
    );
    await successor.send("kept");
    await successor.end(true);
    assert.deepEqual(await values(client, at, 1), ["kept"]);
  });

  test(`${name}: a batch sent twice under its sequence is there once, a gap is refused`, async (t) => {
    const { client, at } = await stage(t, makeWorld);
    const session = await patiently(() => client.initProducer(undefined));
    const send = async (firstSequence: number, value: string) => {
      const batches = [{ ...at, firstSequence, records: [record("k", value)] }];
      const request = { session, waitForReplicas: true, compression: "none" } as const;
      const [produced] = await client.produce({ ...request, batches });
      return produced?.error;
    };
    assert.equal(await send(0, "a"), undefined);
    assert.equal(await send(0, "a"), undefined);
    assert.equal(await send(1, "b"), undefined);
    assert.equal(await send(5, "gap"), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    assert.deepEqual(await values(client, at, 2), ["a", "b"]);
    assert.equal(await client.offset(at, "latest"), 2);
  });
}
