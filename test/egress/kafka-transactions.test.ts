import assert from "node:assert/strict";
import { test } from "node:test";
import { firstNumberOf } from "../../src/model/outbox-number.ts";
import { createRng } from "../support/rng.ts";
import { all, code, found, publishAll, range, records, world } from "./kafka-stage.ts";

test("what is published is in its topics once, by key and in order", async () => {
  const stage = world();
  const { out } = stage.process("one");
  assert.deepEqual(await out.publish(records(1, 40)), { upTo: 39, refused: [] });
  assert.deepEqual(await out.publish(records(40, 60)), { upTo: 59, refused: [] });
  const partitions = await found(stage, "a");
  assert.deepEqual(all(partitions), range(1, 60));
  for (const one of partitions) assert.deepEqual(one, all([one]));
});

test("a process that comes after a crash goes on behind the marker", async () => {
  const stage = world();
  await stage.process("one").out.publish(records(1, 10));
  const { out } = stage.process("two", { next: 15 });
  await out.fence();
  // The records before the crash come again, and more behind them.
  assert.deepEqual(await out.publish(records(1, 15)), { upTo: 9, refused: [] });
  assert.deepEqual(await out.publish(records(10, 15)), { upTo: 14, refused: [] });
  assert.deepEqual(all(await found(stage, "a")), range(1, 15));
});

test("a predecessor that wakes up can write nothing, and says who took over", async () => {
  const stage = world();
  const zombie = stage.process("one").out;
  await zombie.publish(records(1, 5));
  const successor = stage.process("two", { next: 8 }).out;
  await successor.fence();
  await assert.rejects(zombie.publish(records(5, 8)));
  await assert.rejects(zombie.publish(records(5, 8)), code("KAFKA_FENCED"));
  await successor.publish(records(5, 9));
  assert.deepEqual(all(await found(stage, "a")), range(1, 9));
});

test("a transaction that took too long is published again by the same process", async () => {
  const stage = world();
  const { out, client } = stage.process("one");
  await out.publish(records(1, 3));
  // The broker hears nothing more of the transaction once it is open.
  stage.trouble = (request) => (request === "endTransaction" ? { kind: "lost" } : undefined);
  await assert.rejects(out.publish(records(3, 6)));
  stage.trouble = undefined;
  stage.clock.nowMs += 70_000;
  await client.leaders("a");
  // Half of it first: it may have been too much.
  assert.deepEqual(await out.publish(records(3, 6)), { upTo: 4, refused: [] });
  assert.deepEqual(await out.publish(records(5, 6)), { upTo: 5, refused: [] });
  assert.deepEqual(all(await found(stage, "a")), range(1, 6));
});

test("what takes longer than a transaction may is published in smaller ones", async () => {
  const stage = world();
  const { out } = stage.process("one");
  // Batches of a few records each, all for one partition: four to a transaction.
  stage.trouble = (request) => {
    if (request === "produce") stage.clock.nowMs += 15_000;
    return undefined;
  };
  let next = 1;
  for (let tries = 0; next < 60; tries++) {
    assert.ok(tries < 40, "it is never published");
    const published = await out.publish(records(next, 60, "b")).catch(() => undefined);
    next = (published?.upTo ?? next - 1) + 1;
  }
  assert.deepEqual(all(await found(stage, "b")), range(1, 60));
});

test("a record for a topic that is not there is refused, and the others go on", async () => {
  const stage = world();
  const { out } = stage.process("one");
  const mixed = [...records(1, 4), ...records(4, 5, "nowhere"), ...records(5, 8)];
  const { upTo, refused } = await out.publish(mixed);
  assert.equal(upTo, 7);
  assert.deepEqual(
    refused.map(({ number }) => number),
    [4],
  );
  assert.match(refused[0]?.reason ?? "", /no topic nowhere/);
  assert.deepEqual(all(await found(stage, "a")), [1, 2, 3, 5, 6, 7]);
});

test("a record that was refused stays so when the process ends before that is noted", async () => {
  const stage = world();
  const mixed = [...records(1, 4), ...records(4, 5, "nowhere")];
  await stage.process("one").out.publish(mixed);
  stage.broker.createTopic("nowhere", 1);
  const { upTo, refused } = await stage.process("two", { next: 5 }).out.publish(mixed);
  assert.equal(upTo, 4);
  assert.deepEqual(
    refused.map(({ number }) => number),
    [4],
  );
  assert.deepEqual(all(await found(stage, "nowhere")), []);
});

test("what was refused before there was a marker is told after a crash, and the marker is not missed", async () => {
  const stage = world();
  stage.broker.refuses = ({ value }) => Buffer.from(value ?? []).toString() === "2";
  const { out } = stage.process("one");
  const nowhere = await out.publish(records(1, 2, "nowhere"));
  assert.deepEqual(
    nowhere.refused.map(({ number }) => number),
    [1],
  );
  const alone = await out.publish(records(2, 3));
  assert.deepEqual(
    alone.refused.map(({ number }) => number),
    [2],
  );
  // It dies before the partition has noted either.
  const next = stage.process("two", { next: 4 }).out;
  const again = await next.publish([...records(1, 2, "nowhere"), ...records(2, 4)]);
  assert.deepEqual([again.upTo, again.refused.map(({ number }) => number)], [2, [1, 2]]);
  assert.deepEqual(await next.publish(records(3, 4)), { upTo: 3, refused: [] });
  assert.deepEqual(all(await found(stage, "a")), [3]);
});

test("of a batch that is refused the one record at fault is found", async () => {
  const stage = world();
  const { out } = stage.process("one");
  await out.publish(records(1, 3));
  stage.broker.refuses = ({ value }) => Buffer.from(value ?? []).toString() === "7";
  const { upTo, refused } = await out.publish(records(3, 20));
  assert.equal(upTo, 19);
  assert.deepEqual(
    refused.map(({ number }) => number),
    [7],
  );
  assert.match(refused[0]?.reason ?? "", /MESSAGE_TOO_LARGE/);
  assert.deepEqual(
    all(await found(stage, "a")),
    range(1, 20).filter((number) => number !== 7),
  );
});

test("more records than the marker can speak of are done in several calls", async () => {
  const stage = world();
  const { out } = stage.process("one");
  const many = [...records(1, 2), ...records(2, 15_000, "nowhere")];
  const first = await out.publish(many);
  assert.deepEqual([first.upTo, first.refused.length], [12_000, 11_999]);
  const second = await out.publish(many.slice(12_000));
  assert.deepEqual([second.upTo, second.refused[0]?.number], [14_999, 12_001]);
});

test("records that were refused are told after a crash, those of the call before too", async () => {
  const stage = world();
  const { out } = stage.process("one");
  await out.publish([...records(1, 3), ...records(3, 4, "nowhere")]);
  await out.publish([...records(4, 6), ...records(6, 7, "nowhere")]);
  const again = await stage.process("two", { next: 7 }).out.publish(records(1, 7));
  assert.deepEqual(
    again.refused.map(({ number }) => number),
    [3, 6],
  );
});

test("a topic too small for a batch gets smaller ones, and refuses what is too large alone", async () => {
  const stage = world();
  const { out, ends } = stage.process("one");
  stage.broker.maxBatchRecords = 1;
  await out.publish(records(1, 20, "b"));
  const aborted = ends.filter((isCommitted) => !isCommitted).length;
  assert.ok(aborted > 0 && aborted < 4, `${aborted} were tried in vain`);
  await out.publish(records(20, 40, "b"));
  assert.equal(ends.filter((isCommitted) => !isCommitted).length, aborted, "it has learnt");
  assert.deepEqual(await found(stage, "b"), [range(1, 40)]);
});

test("a topic that may not be written to is found, and the others go on", async () => {
  const stage = world();
  const { out } = stage.process("one");
  stage.broker.forbidden = "b";
  const { upTo, refused } = await out.publish([...records(1, 4), ...records(4, 6, "b")]);
  assert.deepEqual([upTo, refused.map(({ number }) => number)], [5, [4, 5]]);
  assert.match(refused[0]?.reason ?? "", /topic b.*TOPIC_AUTHORIZATION_FAILED/);
  assert.deepEqual(all(await found(stage, "a")), range(1, 4));
});

test("a session ends before its numbers do, and the next goes on", async () => {
  const stage = world();
  const { out } = stage.process("one", { maxSequence: 10 });
  const sessions: string[] = [];
  stage.trouble = (request) => {
    if (request === "initProducer") sessions.push(request);
    return undefined;
  };
  for (let first = 1; first < 60; first += 6) await out.publish(records(first, first + 6, "b"));
  assert.ok(sessions.length >= 5, `${sessions.length} sessions`);
  assert.deepEqual(await found(stage, "b"), [range(1, 61)]);
});

test("a transaction time-out that the brokers do not allow is said in words", async () => {
  const stage = world();
  const { out } = stage.process("one");
  stage.trouble = (request) =>
    request === "initProducer" ? { kind: "error", code: "INVALID_TRANSACTION_TIMEOUT" } : undefined;
  await assert.rejects(out.fence(), /transaction\.max\.timeout\.ms/);
});

test("whatever fails, and whenever a process dies, each record is there once and in order", async () => {
  for (let seed = 1; seed <= 300; seed++) await ordeal(seed);
});

async function ordeal(seed: number): Promise<void> {
  const rng = createRng(seed);
  const stage = world();
  stage.trouble = () => {
    if (!rng.chance(0.08)) return undefined;
    return rng.chance(0.5) ? { kind: "lost" } : { kind: "answerLost" };
  };
  let owner = 0;
  let out = stage.process(`p${owner}`).out;
  let acknowledged = 0;
  const abandoned: Promise<unknown>[] = [];
  for (let step = 0; acknowledged < 60 && step < 2_000; step++) {
    if (step > 300) stage.trouble = undefined;
    const until = acknowledged + 2 + rng.int(20);
    const publishing = out.publish(records(acknowledged + 1, until));
    if (rng.chance(0.1) && step <= 300) {
      // It dies in the middle: its last words may still be on their way.
      abandoned.push(publishing.catch(() => {}));
      await stage.clock.sleep(rng.int(20));
      out = stage.process(`p${++owner}`, { next: 1_000 }).out;
      await out.fence().catch(() => {});
      continue;
    }
    acknowledged = await publishing.then(
      ({ upTo }) => upTo,
      () => acknowledged,
    );
    if (rng.chance(0.05)) stage.clock.nowMs += 70_000;
  }
  await Promise.all(abandoned);
  assert.ok(acknowledged >= 60, `seed ${seed}: it did not come to an end`);
  const partitions = await found(stage, "a");
  const numbers = all(partitions);
  assert.deepEqual(numbers, range(1, numbers.length + 1), `seed ${seed}`);
  assert.ok(numbers.length >= acknowledged, `seed ${seed}`);
  for (const one of partitions) assert.deepEqual(one, all([one]), `seed ${seed}: order`);
}

test("what a restore brings back that had left is not published again, and its own numbers go on", async () => {
  const stage = world();
  const before = stage.process("one").out;
  await before.publish(records(1, 10));
  const first = firstNumberOf(1);
  const { out, foreign } = stage.process("two", { next: first + 3 });
  await out.fence();
  assert.deepEqual(await out.publish(records(5, 12)), { upTo: 9, refused: [] });
  await publishAll(out, records(10, 12));
  await publishAll(out, records(first, first + 3));
  assert.deepEqual(foreign, []);
  await assert.rejects(before.publish(records(10, 12)));
  await assert.rejects(before.publish(records(10, 12)), code("KAFKA_FENCED"));
  assert.deepEqual(all(await found(stage, "a")), [...range(1, 12), ...range(first, first + 3)]);
  // The disk that was taken for lost comes back.
  const old = stage.process("three", { next: 12 }).out;
  await assert.rejects(old.publish(records(10, 12)), code("KAFKA_MARKER_AHEAD"));
});

test("a first number of a later incarnation needs no marker, as the first of all needs none", async () => {
  for (const first of [1, firstNumberOf(1), firstNumberOf(7)]) {
    const stage = world();
    const { out } = stage.process("two", { next: first + 3 });
    await publishAll(out, records(first, first + 3));
    assert.deepEqual(all(await found(stage, "a")), range(first, first + 3));
    const lost = world().process("two", { next: first + 3 });
    await assert.rejects(
      lost.out.publish(records(first + 1, first + 3)),
      code("KAFKA_MARKER_LOST"),
    );
  }
});
