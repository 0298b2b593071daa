import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import type { SourceBatch } from "../../src/model/source.ts";
import { SourceQueue, type Taker } from "../../src/node/source-queue.ts";

/** Takes so many batches. */
class FakeTaker implements Taker {
  room: number;
  readonly taken: string[] = [];
  /** No room for these. */
  readonly stuck = new Set<string>();

  constructor(room: number) {
    this.room = room;
  }

  hasRoomFor(types: ReadonlySet<string>): boolean {
    return this.room > 0 && ![...types].some((type) => this.stuck.has(type));
  }

  offer(batch: SourceBatch): void {
    this.room--;
    this.taken.push(batch.source);
  }
}

const batch = (source: string, ...types: readonly string[]): SourceBatch => {
  const value = { typename: "test/x", hasValue: true, value: Buffer.from("x") };
  const messages = types.map((type) => ({
    ...{ target: { type, id: "a" }, value, traceparent: undefined, headers: [] },
  }));
  return { source, first: 0, next: 1, records: [{ position: 0, messages }] };
};

test("a batch is handed over as soon as there is room, in the order they came", async () => {
  const queue = new SourceQueue();
  const taker = new FakeTaker(1);
  const added = ["a", "b", "c"].map((name) => queue.add(batch(name), taker));
  await added[0];
  assert.deepEqual([taker.taken, queue.size], [["a"], 2]);
  taker.room = 1;
  const late = queue.add(batch("d"), taker);
  assert.deepEqual(taker.taken, ["a", "b"], "who came later does not go first");
  taker.room = 2;
  queue.offerTo(taker);
  await Promise.all([...added, late]);
  assert.deepEqual([taker.taken, queue.size], [["a", "b", "c", "d"], 0]);
});

test("a batch for a function whose share is taken waits alone", async () => {
  const queue = new SourceQueue();
  const taker = new FakeTaker(10);
  taker.stuck.add("test/down");
  const stuck = queue.add(batch("a", "test/fine", "test/down"), taker);
  await queue.add(batch("b", "test/fine"), taker);
  assert.deepEqual([taker.taken, queue.size], [["b"], 1]);
  taker.stuck.clear();
  queue.offerTo(taker);
  await stuck;
  assert.deepEqual(taker.taken, ["b", "a"]);
});

test("when the partition goes down every batch that waits is given back", async () => {
  const queue = new SourceQueue();
  const taker = new FakeTaker(0);
  const added = ["a", "b"].map((name) => queue.add(batch(name), taker));
  queue.rejectAll(new StatefoldError("UNAVAILABLE", "it is down"));
  for (const each of added) await assert.rejects(each, { code: "UNAVAILABLE" });
  taker.room = 2;
  queue.offerTo(taker);
  assert.deepEqual(taker.taken, []);
});
