import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Deferred, deferred } from "../../src/base/deferred.ts";
import { describeError, StatefoldError } from "../../src/base/errors.ts";
import type { Egress, EgressRecord } from "../../src/egress/contract.ts";
import type { Invocation, Outcome } from "../../src/model/invocation.ts";
import { asked } from "../../src/node/asked.ts";
import { PartitionHost, type PartitionHostOptions } from "../../src/node/partition-host.ts";
import { DEFAULT_LIMITS } from "../../src/partition/limits.ts";
import { TAGS } from "../../src/store/keys.ts";
import { atEnd } from "../support/cleanup.ts";
import { byPromise } from "../support/outcomes.ts";
import { until } from "../support/until.ts";
import { FaultyDisk, SILENT } from "./a-node.ts";
import { BINDING, batch, DONE, TYPE, VALUE } from "./seat-world.ts";

/** One partition by itself; its functions answer when they are told to. */
class World {
  readonly disk = new FaultyDisk();
  readonly calls: { readonly invocation: Invocation; readonly answer: Deferred<Outcome> }[] = [];
  readonly signals: AbortSignal[] = [];
  readonly opened: number[] = [];
  readonly published: string[] = [];
  /** What the egress was told as the partition opened. */
  readonly nexts: number[] = [];
  readonly ended = deferred<StatefoldError>();
  readonly egress: Egress = {
    id: "test/out",
    start: async () => {},
    open: (_, next) => this.nexts.push(next),
    check: () => undefined,
    publish: async (_, first, records) => await this.publish(first, records),
    stop: async () => {},
  };
  publish = async (first: number, records: readonly EgressRecord[]) => {
    for (const [i, record] of records.entries()) {
      this.published.push(`${first + i} ${Buffer.from(record.value.value)}`);
    }
    return { refused: [] };
  };
  host!: PartitionHost;

  static async open(
    t: TestContext,
    differences: Partial<PartitionHostOptions> = {},
  ): Promise<World> {
    const world = new World();
    const options = { application: "test", dataDir: undefined, partitions: 1, acceptLoss: false };
    const storage = await world.disk.open(options);
    atEnd(t, () => storage.close());
    world.host = new PartitionHost({
      ...{ index: 0, application: "test", storage, limits: DEFAULT_LIMITS, logger: SILENT },
      directory: {
        function: (type) => (type === TYPE ? BINDING : undefined),
        egress: (id) => (id === world.egress.id ? world.egress : undefined),
      },
      egresses: new Map([[world.egress.id, world.egress]]),
      invoke: byPromise((invocation, signal) => {
        const answer = deferred<Outcome>();
        world.calls.push({ invocation, answer });
        world.signals.push(signal);
        return answer.promise;
      }),
      toPeer: () => {},
      onOpened: (index) => world.opened.push(index),
      onCommit: () => {},
      onPublished: () => {},
      onEnded: (error) => world.ended.resolve(error),
      reopenAfterMs: 1,
      ...differences,
    });
    atEnd(t, () => world.host.stop());
    await world.host.open();
    return world;
  }

  ask(id: string): { readonly request: number; readonly answer: Promise<unknown> } {
    return asked(this.host, {
      ...{ kind: "send", target: { type: TYPE, id }, value: VALUE, delayMs: 0, headers: [] },
      ...{ idempotencyKey: undefined, traceparent: undefined },
    });
  }

  async send(id: string): Promise<void> {
    await this.ask(id).answer;
  }

  /** The next call of the functions, as soon as it comes. */
  async called() {
    const call = await until("a call", () => this.calls.shift());
    return call;
  }

  async reopened(times: number): Promise<void> {
    await until(`it to be opened ${times} times`, () => this.opened.length === times);
  }
}

const unavailable = { code: "UNAVAILABLE" };

test("a failed commit drops the memory; what was durable is delivered again", async (t) => {
  const world = await World.open(t);
  await world.send("kept");
  const first = await world.called();
  world.disk.refuses = () => true;
  await assert.rejects(world.send("lost"), unavailable);
  assert.equal(world.host.partition, undefined);
  assert.equal(world.signals[0]?.aborted, true, "its calls are cancelled");
  world.disk.refuses = () => false;
  await world.reopened(2);
  const lost = await world.called(); // called for before its commit failed
  for (const { answer } of [first, lost]) answer.resolve(DONE); // too late: for a memory that is gone
  const again = await world.called();
  assert.equal(again.invocation.target.id, "kept");
  assert.equal(world.calls.length, 0, "what was lost was acknowledged to nobody");
  again.answer.resolve(DONE);
  await until("all to be done", () => world.host.partition?.unfinished === 0);
});

test("mail that cannot be read is found while it serves, and ends it with the reason", async (t) => {
  const world = await World.open(t);
  await world.send("kept");
  world.disk.isDamaged = ({ from }) => from[0] === TAGS.mail;
  world.disk.refuses = () => true;
  await assert.rejects(world.send("lost"), unavailable);
  world.disk.refuses = () => false;
  const { code, cause } = await world.ended.promise;
  assert.equal(code, "STORE_CORRUPT");
  assert.match(describeError(cause), /it is damaged/);
  assert.equal(world.opened.length, 1 + 3, "it opened, and served until it came to it");
});

test("who waits or asks while it is down is told so, and nobody is left waiting", async (t) => {
  const world = await World.open(t);
  world.disk.refuses = () => true;
  world.disk.isGone = () => true;
  const asked = ["a", "b"].map((id) => world.ask(id).answer);
  for (const answer of asked) await assert.rejects(answer, unavailable);
  assert.equal(world.host.waiting, 0);
  await assert.rejects(async () => world.ask("c").answer, unavailable);
  await assert.rejects(world.host.take(batch("s/0", 0, 1)), unavailable);
  await assert.rejects(world.host.look("position", { source: "s/0" }), unavailable);
});

test("openings that fail end it with the reason of the last", async (t) => {
  const world = await World.open(t);
  await world.send("a");
  world.disk.refuses = () => true;
  world.disk.isGone = () => true;
  await assert.rejects(world.send("b"), unavailable);
  const error = await world.ended.promise;
  assert.deepEqual([error.code, error.message], ["INTERNAL", "partition 0 cannot go on"]);
  assert.equal((error.cause as Error).message, "the disk is gone");
  assert.deepEqual([world.disk.openings, world.host.life.kind], [4, "failed"]);
});

test("a disk that takes the first commit of each life and no other ends it too", async (t) => {
  const world = await World.open(t);
  await world.send("a");
  let first = true;
  world.disk.refuses = () => {
    first = !first;
    return first;
  };
  world.disk.commits = 0;
  for (let life = 0; life < 4; life++) {
    await until("it to be open or ended", () => world.host.life.kind !== "closed");
    await until("a commit to fail", async () => {
      await world.send("b").catch(() => undefined);
      return world.host.life.kind !== "running";
    });
  }
  assert.equal((await world.ended.promise).message, "partition 0 cannot go on");
});

test("a store that does not close ends it, with the reason of its failure", async (t) => {
  const world = await World.open(t, {});
  await world.send("a");
  world.disk.refuses = () => true;
  world.disk.closes = () => {
    throw new Error("the lock is lost");
  };
  await assert.rejects(world.send("b"), unavailable);
  assert.equal(((await world.ended.promise).cause as Error).message, "the disk is full");
  assert.equal(world.disk.openings, 1);
});

test("stopping waits for an opening that has begun, and closes what it opened", async (t) => {
  const world = await World.open(t);
  await world.send("a");
  const opening = deferred<void>();
  const begun = deferred<void>();
  world.disk.opens = async () => {
    begun.resolve();
    await opening.promise;
  };
  world.disk.refuses = () => true;
  await assert.rejects(world.send("b"), unavailable);
  await begun.promise;
  const stopped = Promise.all([world.host.stop(), world.host.stop()]);
  opening.resolve();
  await stopped;
  assert.equal(world.host.life.kind, "stopped");
  assert.equal(world.disk.closed, world.disk.openings);
  assert.throws(() => world.ask("c"), /the node has stopped/);
});

test("stopping while it waits to be opened again ends the wait", async (t) => {
  const world = await World.open(t, { reopenAfterMs: 3_600_000 });
  world.disk.refuses = () => true;
  await assert.rejects(world.send("a"), unavailable);
  await world.host.stop();
  assert.deepEqual([world.host.life.kind, world.disk.openings], ["stopped", 1]);
});

test("every stop waits until the store is closed", async (t) => {
  const world = await World.open(t);
  const closing = deferred<void>();
  world.disk.closes = () => closing.promise;
  const ends: string[] = [];
  const stops = ["first", "second"].map((name) => world.host.stop().then(() => ends.push(name)));
  await until("the store to be closing", () => world.disk.closed === 1);
  assert.deepEqual(ends, []);
  closing.resolve();
  await Promise.all(stops);
  assert.deepEqual(ends, ["first", "second"]);
});

test("however many sources there are, the bound is passed by one batch at most", async (t) => {
  const limits = { ...DEFAULT_LIMITS, unfinishedMessages: 100 };
  const world = await World.open(t, { limits });
  const names = Array.from({ length: 50 }, (_, i) => `s${i}/0`);
  const taken: string[] = [];
  const takes = names.map(async (name) => {
    await world.host.take(batch(name, 0, 30));
    taken.push(name);
  });
  await until("calls to be waiting", () => world.calls.length === BINDING.concurrency);
  assert.deepEqual(taken, names.slice(0, 4), "4 × 30 messages, in the order asked");
  assert.equal(world.host.partition?.unfinished, 120);
  let largest = 0;
  const answering = until("every batch to be taken", () => {
    largest = Math.max(largest, world.host.partition?.unfinished ?? 0);
    for (const { answer } of world.calls.splice(0)) answer.resolve(DONE);
    return taken.length === names.length;
  });
  await answering;
  await Promise.all(takes);
  assert(largest < 130, `${largest} messages were held`);
  assert.deepEqual(taken, names, "nobody was passed over");
});

test("a batch that changes nothing does not keep the others waiting", async (t) => {
  const limits = { ...DEFAULT_LIMITS, unfinishedMessages: 5 };
  const world = await World.open(t, { limits });
  await world.host.take(batch("s/0", 0, 1));
  (await world.called()).answer.resolve(DONE);
  await until("it to be done", () => world.host.partition?.unfinished === 0);
  // Taken before, so ignored (I5); but it counts until the next turn has looked at it.
  const again = Promise.all([
    world.host.take({ ...batch("s/0", 0, 1), records: batch("s/0", 0, 9).records }),
    world.host.take(batch("s/0", 1, 1)),
  ]);
  await again;
  (await world.called()).answer.resolve(DONE);
});

test("sources that wait for room are told when the partition goes down", async (t) => {
  const world = await World.open(t, { limits: { ...DEFAULT_LIMITS, unfinishedMessages: 1 } });
  await world.host.take(batch("s/0", 0, 1));
  const waiting = world.host.take(batch("s/0", 1, 1));
  world.disk.refuses = () => true;
  await assert.rejects(waiting, unavailable);
  world.disk.refuses = () => false;
  await world.reopened(2);
  assert.equal(
    await world.host.look("position", { source: "s/0" }),
    undefined,
    "nothing of it was durable",
  );
});

test("a position is known at once, also while there is no room", async (t) => {
  const world = await World.open(t, { limits: { ...DEFAULT_LIMITS, unfinishedMessages: 1 } });
  await world.host.take(batch("s/0", 0, 1));
  await world.called();
  assert.equal(world.host.partition?.isFull, true);
  assert.equal(await world.host.look("position", { source: "s/0" }), 1);
  assert.equal(await world.host.look("position", { source: "s/1" }), undefined);
});

test("records that were not acknowledged are published again by the next life", async (t) => {
  const world = await World.open(t);
  const sending = deferred<void>();
  const begun = deferred<void>();
  const { publish } = world;
  world.publish = async (first, records) => {
    begun.resolve();
    await sending.promise;
    return await publish(first, records);
  };
  await world.send("a");
  const record = { egress: "test/out", value: VALUE };
  (await world.called()).answer.resolve({
    kind: "reply",
    effects: { messages: [], delayed: [], egress: [record], mutations: [] },
  });
  await begun.promise;
  world.disk.refuses = () => true;
  await assert.rejects(world.send("b"), unavailable);
  world.disk.refuses = () => false;
  sending.resolve(); // it arrives, and its acknowledgement finds nobody
  await world.reopened(2);
  await until("the outbox to be empty", () => world.host.partition?.ledger.outbox === 0);
  assert.deepEqual(world.published, ["1 hello", "1 hello"]);
  assert.deepEqual(world.nexts, [1, 2], "the egress hears where the numbers go on");
});

test("a partition whose place another process has taken ends, and is not opened again", async (t) => {
  const world = await World.open(t);
  world.publish = async () => {
    throw new StatefoldError("KAFKA_FENCED", "another process publishes as test/0 now");
  };
  await world.send("a");
  const record = { egress: "test/out", value: VALUE };
  (await world.called()).answer.resolve({
    kind: "reply",
    effects: { messages: [], delayed: [], egress: [record], mutations: [] },
  });
  const error = await world.ended.promise;
  assert.equal(error.code, "KAFKA_FENCED");
  assert.match(describeError(error), /partition 0 cannot go on: another process publishes/);
  assert.deepEqual(
    [world.host.life.kind, world.disk.openings, world.disk.closed],
    [...["failed", 1, 1]],
  );
});

test("hanging up without a wish for the reply is answered at once", async (t) => {
  const world = await World.open(t);
  const { request, answer } = asked(world.host, {
    ...{ kind: "call", target: { type: TYPE, id: "a" }, value: VALUE, headers: [] },
    ...{ idempotencyKey: undefined, traceparent: undefined },
  });
  await world.called();
  world.host.hangUp(request, false);
  world.host.hangUp(request, false);
  assert.deepEqual(await answer, { kind: "pending", request, callId: "" });
  assert.equal(world.host.waiting, 0);
});
