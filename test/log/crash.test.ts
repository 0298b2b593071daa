import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogPartition } from "../../src/log/partition.ts";
import type { NewRecord } from "../../src/log/record.ts";
import { TopicLog } from "../../src/log/topic-log.ts";
import { SimulatedDisk, seeded } from "./simulated-disk.ts";
import { readAll, record, textOf } from "./support.ts";

const PARTITIONS = 2;
const PRODUCER = "ns/out/0";

/** What must be true of a topic whatever happened: what was acknowledged or read before is still there. */
class Model {
  /** Per partition: offset → text, as an append's answer or a read had it. */
  readonly known: Map<number, string>[] = [];
  /** Per partition: the highest number of the producer that was acknowledged. */
  readonly acknowledged: number[] = [];

  constructor() {
    for (let k = 0; k < PARTITIONS; k++) {
      this.known.push(new Map());
      this.acknowledged.push(0);
    }
  }

  learn(partition: number, offset: number, text: string): void {
    const known = this.known[partition]?.get(offset);
    assert(known === undefined || known === text, `offset ${offset} was ${known} and is ${text}`);
    this.known[partition]?.set(offset, text);
  }
}

function numbered(number: number): NewRecord {
  return record(`number ${number} ${"x".repeat(number % 90)}`);
}

/** Appends numbered records, from some that were acknowledged before on: an outbox forgets late. */
async function produce(
  partition: LogPartition,
  model: Model,
  random: () => number,
  rounds: number,
): Promise<void> {
  const acknowledged = model.acknowledged[partition.partition] ?? 0;
  let next = Math.max(1, acknowledged + 1 - Math.floor(random() * 5));
  for (let round = 0; round < rounds; round++) {
    const numbers = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, i) => next + i);
    const records = numbers.map(numbered);
    const { firstOffset, skipped } = await partition.append(records, { id: PRODUCER, numbers });
    records.slice(skipped).forEach((written, i) => {
      model.learn(
        partition.partition,
        firstOffset + i,
        Buffer.from(written.value ?? "").toString(),
      );
    });
    next += numbers.length;
    model.acknowledged[partition.partition] = Math.max(acknowledged, next - 1);
  }
}

async function appendPlain(
  partition: LogPartition,
  model: Model,
  random: () => number,
  rounds: number,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const text = `plain ${Math.floor(random() * 1e9)} ${"y".repeat(Math.floor(random() * 120))}`;
    const { firstOffset } = await partition.append([record(text)]);
    model.learn(partition.partition, firstOffset, text);
  }
}

async function watch(partition: LogPartition, model: Model, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const found of await readAll(partition)) {
      model.learn(partition.partition, found.offset, textOf(found));
    }
    await partition.applyRetention();
  }
}

/** One life of a process: ends by itself after some rounds, or where the disk has it crash. */
async function live(log: TopicLog, model: Model, random: () => number, rounds: number) {
  const topic = await log.topic("orders", PARTITIONS);
  const partitions = [await topic.partition(0), await topic.partition(1)];
  for (const partition of partitions) await check(partition, model);
  const work = partitions.flatMap((partition) => [
    produce(partition, model, random, rounds),
    appendPlain(partition, model, random, rounds),
    watch(partition, model, rounds),
  ]);
  // All of them end, so that the first failure is no matter of chance and none outlives the test.
  const failed = (await Promise.allSettled(work)).find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function check(partition: LogPartition, model: Model): Promise<void> {
  const found = await readAll(partition);
  const known = model.known[partition.partition] ?? new Map();
  found.forEach((own, i) => {
    assert.equal(own.offset, partition.startOffset + i, "offsets have no gap");
    model.learn(partition.partition, own.offset, textOf(own));
  });
  for (const offset of known.keys()) {
    assert(offset < partition.endOffset, `offset ${offset} was acknowledged or read, and is gone`);
  }
  const numbers = [...known.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, text]) => /^number (\d+)/.exec(text)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number);
  for (const [i, number] of numbers.entries()) {
    assert.equal(number, i + 1, "each number once, and in order");
  }
  assert(numbers.length >= (model.acknowledged[partition.partition] ?? 0), "none is missing");
}

/** Runs lives on one disk, each ended at the given step, and checks what the next one finds. */
async function run(input: {
  readonly seed: number;
  readonly crashAfter: (random: () => number) => number;
  readonly lives: number;
  readonly retention: boolean;
}): Promise<number> {
  const random = seeded(input.seed);
  const disk = new SimulatedDisk(random);
  const model = new Model();
  let stepsOfLastLife = 0;
  for (let life = 0; life <= input.lives; life++) {
    const isLast = life === input.lives;
    const files = disk.boot();
    const start = disk.steps;
    disk.crashAt = isLast ? Number.POSITIVE_INFINITY : start + input.crashAfter(random);
    const options = { files, partitions: PARTITIONS, segmentBytes: 700, maxOpenFiles: 3 };
    const retention = input.retention ? { maxBytes: 1500 } : {};
    try {
      const log = await TopicLog.open("/data", { ...options, retention });
      await live(log, model, random, isLast ? 2 : 8);
      await log.close();
    } catch (error) {
      if (disk.steps < disk.crashAt) throw error;
    }
    stepsOfLastLife = disk.steps - start;
    // Whatever still runs in the process that died reaches the disk no more, and ends.
    await new Promise((resolve) => setImmediate(resolve));
    if (random() < 0.5) disk.kill();
    else disk.losePower();
  }
  return stepsOfLastLife;
}

test("whatever step a process dies at, what it acknowledged is there, once and in order", async () => {
  const crashless = await run({ seed: 7, crashAfter: () => 1e9, lives: 1, retention: false });
  assert(crashless > 40);
  for (let step = 1; step <= 200; step++) {
    await run({ seed: step, crashAfter: () => step, lives: 1, retention: step % 2 === 0 });
  }
});

test("a topic lives through crash after crash, with power and without", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const crashAfter = (random: () => number): number => 1 + Math.floor(random() * 300);
    await run({ seed, crashAfter, lives: 8, retention: seed % 2 === 0 });
  }
});
