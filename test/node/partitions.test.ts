import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Outcome } from "../../src/model/invocation.ts";
import { asked } from "../../src/node/asked.ts";
import { openHosts } from "../../src/node/hosts.ts";
import type { PartitionHost } from "../../src/node/partition-host.ts";
import { Partitions } from "../../src/node/partitions.ts";
import { openStorage } from "../../src/node/storage.ts";
import { DEFAULT_LIMITS } from "../../src/partition/limits.ts";
import type { Cut, FunctionBinding } from "../../src/partition/ports.ts";
import type { StoreSnapshot } from "../../src/store/contract.ts";
import { endOfPrefix, keyOf } from "../../src/store/keys.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import { atEnd } from "../support/cleanup.ts";
import { byPromise } from "../support/outcomes.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { SILENT } from "./a-node.ts";

const TYPE = "test/fn";
const BINDING: FunctionBinding = {
  ...{ endpoint: "test/*", onFailure: "park", delivery: "immediate", concurrency: 10 },
  ...{ retry: { maxAttempts: 1, initialMs: 1, maxMs: 1 }, maxBatchMessages: 100 },
};
const VALUE = { typename: "test/Text", hasValue: true, value: Buffer.from("hello") };

interface TakenCut {
  readonly partition: number;
  readonly cut: Cut;
  readonly snapshot: StoreSnapshot;
}

/** Two partitions on disk. A function tells the others that it is told to, by their ids. */
async function open(
  t: TestContext,
): Promise<{ partitions: Partitions<PartitionHost>; cuts: TakenCut[] }> {
  const options = { dataDir: tempDir(t), application: "test", partitions: 2, acceptLoss: false };
  const storage = await openStorage(options);
  atEnd(t, () => storage.close());
  const cuts: TakenCut[] = [];
  const hosts = openHosts([0, 1], {
    ...{ application: "test", storage, limits: DEFAULT_LIMITS, logger: SILENT },
    directory: {
      function: (type) => (type === TYPE ? BINDING : undefined),
      egress: () => undefined,
    },
    egresses: new Map(),
    invoke: byPromise(async ({ target }): Promise<Outcome> => {
      const [, ...rest] = target.id.split(">");
      const messages =
        rest.length === 0 ? [] : [{ target: { type: TYPE, id: rest.join(">") }, value: VALUE }];
      return { kind: "reply", effects: { messages, delayed: [], egress: [], mutations: [] } };
    }),
    ...{ onOpened: () => {}, onCommit: () => {}, onPublished: () => {} },
    onEnded: (error) => assert.fail(error),
    onCut: (partition, cut, snapshot) => cuts.push({ partition, cut, snapshot }),
  });
  const partitions = new Partitions(hosts);
  atEnd(t, () => partitions.stop());
  await partitions.open();
  return { partitions, cuts };
}

async function send(partitions: Partitions<PartitionHost>, id: string): Promise<void> {
  const target = { type: TYPE, id };
  const question = { kind: "send", target, value: VALUE, delayMs: 0, headers: [] } as const;
  const rest = { idempotencyKey: undefined, traceparent: undefined };
  await asked(partitions.ownerOf(target), { ...question, ...rest }).answer;
}

/** An id of a partition that tells one of the other. */
function acrossFrom(partitions: Partitions<PartitionHost>, index: number): string {
  for (let i = 0; ; i++) {
    const id = `${i}>x`;
    const isFrom = partitions.ownerOf({ type: TYPE, id }).index === index;
    if (isFrom && partitions.ownerOf({ type: TYPE, id: "x" }).index !== index) return id;
  }
}

test("every partition hands over what was durable at its cut", async (t) => {
  const { partitions, cuts } = await open(t);
  await send(partitions, "a");
  partitions.announce(5);
  await until("both to cut", () => cuts.length === 2);
  assert.deepEqual(cuts.map(({ partition }) => partition).sort(), [0, 1]);
  for (const { cut, snapshot } of cuts) {
    const [meta] = await snapshot.getMany([keyOf("meta")]);
    assert(meta !== undefined);
    assert.deepEqual([decodeMeta(meta).barrier, decodeMeta(meta).epoch], [5, cut.epoch]);
    await snapshot.close();
  }
  assert.equal(partitions.barrier, 5);
});

test("a partition that never hears of a barrier cuts when it hears from one that has", async (t) => {
  const { partitions, cuts } = await open(t);
  const told = 1 - partitions.ownerOf({ type: TYPE, id: "x" }).index;
  partitions.seat(told).offer({ kind: "barrier", barrier: 1 });
  await until("the first to cut", () => cuts.length === 1);
  await send(partitions, acrossFrom(partitions, told));
  await until("the other to cut", () => cuts.length === 2);
  const second = cuts[1];
  assert(second !== undefined);
  assert.equal(second.partition, 1 - told);
  // The message that told it of the barrier is not in its cut.
  const from = keyOf("position", `peer:${told}`);
  const range = { from, until: endOfPrefix(from), limit: 1 };
  assert.deepEqual(await second.snapshot.scan(range), []);
});

test("an acknowledgement tells of a cut, too", async (t) => {
  const { partitions, cuts } = await open(t);
  const receiver = partitions.ownerOf({ type: TYPE, id: "x" });
  const sender = partitions.seat(1 - receiver.index);
  receiver.offer({ kind: "barrier", barrier: 1 });
  await until("the receiver to cut", () => cuts.length === 1);
  assert.equal(sender.partition?.barrier.number, 0);
  await send(partitions, acrossFrom(partitions, sender.index));
  await until("the sender to cut", () => cuts.length === 2);
  const [, second] = cuts;
  const range = { from: keyOf("outbox"), until: endOfPrefix(keyOf("outbox")), limit: 10 };
  const entries = (await second?.snapshot.scan(range)) ?? [];
  assert.equal(
    entries.length,
    1,
    "what the receiver took after its cut is in the sender's, as sent",
  );
});

test("what has changed is known from the first complete snapshot on", async (t) => {
  const { partitions, cuts } = await open(t);
  partitions.announce(1);
  await until("both to cut", () => cuts.length === 2);
  assert(cuts.every(({ cut }) => cut.changes === undefined));
  partitions.snapshotComplete(1);
  partitions.announce(2);
  await until("both to cut again", () => cuts.length === 4);
  for (const { cut } of cuts.slice(2)) {
    assert.equal(cut.changes?.since, 1);
    assert.deepEqual([...(cut.changes?.keys[0] ?? [])], ["A"]);
  }
});
