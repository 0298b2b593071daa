import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Deferred, deferred } from "../../src/base/deferred.ts";
import { StatefoldError } from "../../src/base/errors.ts";
import type { Egress, EgressRecord, Published } from "../../src/egress/contract.ts";
import { Publisher } from "../../src/node/publisher.ts";
import type { AcknowledgedInput } from "../../src/partition/ports.ts";
import { atEnd } from "../support/cleanup.ts";
import { until } from "../support/until.ts";
import { SILENT } from "./a-node.ts";

/** A receiver that takes what it is sent when it is told to. */
class World {
  readonly sent: {
    readonly first: number;
    readonly records: readonly EgressRecord[];
    readonly end: Deferred<Published>;
    readonly signal: AbortSignal | undefined;
  }[] = [];
  readonly acknowledged: AcknowledgedInput[] = [];
  readonly fenced: string[] = [];
  /** Records of each call that was answered. */
  readonly took: number[] = [];
  readonly #ends: Deferred<Published>[] = [];
  readonly publisher: Publisher;
  /** Asked with the first number of each run. */
  mayPublish: (first: number) => boolean = () => true;

  constructor(t: TestContext, publishMs = 60_000) {
    const egress: Egress = {
      id: "test/out",
      start: async () => {},
      open: () => {},
      check: () => undefined,
      publish: (_, first, records, signal) => {
        const end = deferred<Published>();
        this.sent.push({ first, records, end, signal });
        this.#ends.push(end);
        return end.promise;
      },
      stop: async () => {},
    };
    this.publisher = new Publisher({
      ...{ egress, partition: 3, logger: SILENT, publishMs },
      mayPublish: (first) => this.mayPublish(first),
      acknowledge: (input) => this.acknowledged.push(input),
      onFenced: (error) => this.fenced.push(error.message),
      onPublished: (_, count) => this.took.push(count),
    });
    atEnd(t, async () => {
      const stopped = this.publisher.stop();
      for (const end of this.#ends) end.resolve(NONE);
      await stopped;
    });
  }

  async next() {
    return await until("a call to the receiver", () => this.sent.shift());
  }

  async acknowledgedUpTo(number: number): Promise<void> {
    await until(`${number} to be acknowledged`, () => this.acknowledged.at(-1)?.upTo === number);
  }
}

const records = (count: number): EgressRecord[] =>
  Array.from({ length: count }, () => ({
    value: { typename: "test/Text", hasValue: true, value: new Uint8Array(0) },
    sender: { type: "test/fn", id: "a" },
    ...{ causeId: undefined, traceparent: undefined },
  }));

const NONE: Published = { refused: [] };

test("records go one call after the other, what waits meanwhile together", async (t) => {
  const { publisher, ...world } = bind(new World(t));
  publisher.add(1, records(2));
  publisher.add(3, records(1));
  publisher.add(4, records(2));
  const first = await world.next();
  assert.deepEqual([first.first, first.records.length], [1, 2]);
  assert.equal(world.sent.length, 0);
  first.end.resolve(NONE);
  const second = await world.next();
  assert.deepEqual([second.first, second.records.length], [3, 3]);
  second.end.resolve({ refused: [{ number: 4, reason: "too large" }] });
  await world.acknowledgedUpTo(5);
  assert.deepEqual(
    world.acknowledged.map(({ destination, upTo, refused }) => [destination, upTo, refused]),
    [
      ["egress/test/out", 2, []],
      ["egress/test/out", 5, [{ number: 4, reason: "too large" }]],
    ],
  );
  publisher.add(6, records(1));
  assert.equal((await world.next()).first, 6, "it goes on after it had nothing to do");
});

test("records that do not follow on wait for a call of their own", async (t) => {
  const { publisher, ...world } = bind(new World(t));
  publisher.add(1, records(1));
  const first = await world.next();
  publisher.add(2, records(1));
  publisher.add(2, records(1)); // sent again by the partition
  first.end.resolve(NONE);
  const second = await world.next();
  assert.deepEqual([second.first, second.records.length], [2, 1]);
});

test("a receiver that fails gets the same again, and the reason is told meanwhile", async (t) => {
  const { publisher, ...world } = bind(new World(t));
  publisher.add(1, records(2));
  (await world.next()).end.reject(new Error("the broker is away"));
  await until("the reason", () => publisher.reason === "the broker is away");
  const again = await world.next();
  assert.deepEqual([again.first, again.records.length], [1, 2]);
  again.end.resolve(NONE);
  await world.acknowledgedUpTo(2);
  assert.equal(publisher.reason, undefined);
});

test("however often a receiver fails, nothing is acknowledged that it did not take", async (t) => {
  const { publisher, ...world } = bind(new World(t));
  publisher.add(1, records(1));
  for (let attempt = 1; attempt <= 3; attempt++) {
    const call = await world.next();
    assert.deepEqual([call.first, world.acknowledged.length], [1, 0]);
    call.end.reject(new Error("the broker is away"));
  }
  (await world.next()).end.resolve(NONE);
  await world.acknowledgedUpTo(1);
});

test("more records than an argument list takes are no trouble", async (t) => {
  const { publisher, ...world } = bind(new World(t));
  publisher.add(1, records(1));
  const first = await world.next();
  publisher.add(2, records(300_000));
  first.end.resolve(NONE);
  assert.equal((await world.next()).records.length, 300_000);
});

test("stopping tells the call in flight, waits for no receiver, and nothing is sent after it", async (t) => {
  const { publisher, ...world } = bind(new World(t));
  publisher.add(1, records(1));
  const hanging = await world.next();
  publisher.add(2, records(1));
  await publisher.stop();
  assert.equal(hanging.signal?.aborted, true);
  assert.equal(world.sent.length, 0);
  assert.equal(publisher.reason, undefined, "it is no trouble of the receiver's");
});

test("a call that takes too long is aborted, told, and made again once it has ended", async (t) => {
  const { publisher, ...world } = bind(new World(t, 1));
  publisher.add(1, records(2));
  const hanging = await world.next();
  await until("the abort", () => hanging.signal?.aborted);
  assert.equal(publisher.reason, "the receiver has not answered within 1 ms");
  assert.equal(world.sent.length, 0, "it may still be at work");
  hanging.end.reject(hanging.signal?.reason);
  const again = await world.next();
  assert.deepEqual([again.first, again.records.length], [1, 2]);
});

test("one that takes too long and is answered in the end counts", async (t) => {
  const { publisher, ...world } = bind(new World(t, 1));
  publisher.add(1, records(2));
  const slow = await world.next();
  await until("the abort", () => slow.signal?.aborted);
  slow.end.resolve(NONE);
  await world.acknowledgedUpTo(2);
  assert.equal(publisher.reason, undefined);
});

test("a receiver that says that another process has taken over is sent nothing more", async (t) => {
  const { publisher, ...world } = bind(new World(t));
  publisher.add(1, records(1));
  const call = await world.next();
  publisher.add(2, records(1));
  call.end.reject(new StatefoldError("KAFKA_FENCED", "another one does"));
  await until("the news", () => world.fenced.length === 1);
  assert.deepEqual(world.fenced, ["another one does"]);
  publisher.add(3, records(1));
  await publisher.stop();
  assert.deepEqual([world.sent.length, world.took, world.acknowledged], [0, [], []]);
});

test("stopping ends the pause after a failure", async (t) => {
  const { publisher, ...world } = bind(new World(t));
  publisher.add(1, records(1));
  (await world.next()).end.reject(new Error("no"));
  await until("the pause", () => publisher.reason === "no");
  await publisher.stop();
  assert.equal(world.sent.length, 0);
});

function bind(world: World) {
  const { publisher, sent, acknowledged, fenced, took } = world;
  return {
    ...{ publisher, sent, acknowledged, fenced, took },
    next: () => world.next(),
    acknowledgedUpTo: (number: number) => world.acknowledgedUpTo(number),
  };
}

test("records wait until those that go before them have left elsewhere", async (t) => {
  const world = new World(t);
  let asked = 0;
  world.mayPublish = (first) => {
    assert.equal(first, 5);
    return ++asked > 2;
  };
  world.publisher.add(5, records(2));
  const { first, end } = await world.next();
  assert.deepEqual([first, asked], [5, 3]);
  end.resolve(NONE);
  await world.acknowledgedUpTo(6);
});
