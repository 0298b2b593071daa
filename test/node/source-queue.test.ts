import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import type { SourceBatch } from "../../src/model/source.ts";
import { SourceQueue, type Taker } from "../../src/node/source-queue.ts";

/** Takes so many batches. */
class FakeTaker implements Taker {
  room: number;
  readonly taken: string[] = [];

  constructor(room: number) {
    this.room = room;
  }

  get isFull(): boolean {
    return this.room === 0;
  }

  offer(batch: SourceBatch): void {
    this.room--;
    this.taken.push(batch.source);
  }
}

const batch = (source: string): SourceBatch => ({ source, first: 0, next: 1, records: [] });

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
