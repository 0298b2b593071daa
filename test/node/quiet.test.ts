import assert from "node:assert/strict";
import { test } from "node:test";
import { quiet } from "../../src/node/quiet.ts";
import { within } from "../support/until.ts";

/** A partition as far as it tells whether it works. */
class FakePartition {
  unfinished = 0;
  held = 0;
  uncounted = 0;
  isSettled = true;
  inFlight = 0;
  accepted = 0;
  finished = 0;
}

const hosts = (...partitions: (FakePartition | undefined)[]) => ({
  work: async () => partitions.map((each) => each && { ...each }),
});

const LATER = performance.now() + 3_600_000;

test("a node with nothing to do is quiet at once, also while a partition is down", async () => {
  await within("quiet", quiet(hosts(new FakePartition(), undefined), LATER));
});

test("it is not quiet before the last commit is durable", async () => {
  const partition = new FakePartition();
  partition.isSettled = false;
  let isOver = false;
  const over = quiet(hosts(new FakePartition(), partition), LATER).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  partition.isSettled = true;
  await within("quiet", over);
});

test("it is not quiet while what was done lingers for its commit", async () => {
  const partition = new FakePartition();
  partition.isSettled = false;
  let isOver = false;
  const over = quiet(hosts(partition), LATER).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  partition.isSettled = true;
  await within("quiet", over);
});

test("it waits while mail is counted that an opening has found, however long that takes", async (t) => {
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  const partition = new FakePartition();
  Object.assign(partition, { unfinished: 40, uncounted: 40 });
  let looks = 0;
  const work = async () => {
    looks++;
    nowMs += 400;
    partition.uncounted = Math.max(0, partition.uncounted - 10);
    return [{ ...partition }];
  };
  await quiet({ work }, LATER);
  assert(looks >= 6, "what is left then waits for something outside");
});

test("it waits for what was accepted until it is done", async () => {
  const partition = new FakePartition();
  partition.unfinished = 1;
  partition.inFlight = 1;
  let isOver = false;
  const over = quiet(hosts(partition), LATER).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  partition.unfinished = 0;
  await within("quiet", over);
});

test("what makes no progress is not waited for", async () => {
  const partition = new FakePartition();
  partition.unfinished = 1; // its endpoint is down
  await within("quiet", quiet(hosts(partition), LATER));
});

test("the grace time ends it, whatever is in flight", async () => {
  const partition = new FakePartition();
  partition.unfinished = 1;
  partition.inFlight = 1;
  await within("quiet", quiet(hosts(partition), performance.now() + 30));
});

test("what waits for a snapshot keeps nobody waiting", async () => {
  const partition = new FakePartition();
  partition.unfinished = 3;
  partition.held = 3;
  await within("quiet", quiet(hosts(partition), LATER));
});

test("what one was given while the next was looked at is waited for", async () => {
  const [giver, taker] = [new FakePartition(), new FakePartition()];
  giver.unfinished = 1;
  const looked: string[] = [];
  const working = {
    // The taker is looked at first, and gets what the giver lets go just afterwards.
    work: async () => {
      const seen = { ...taker };
      looked.push(taker.isSettled ? "idle" : "busy");
      if (giver.unfinished === 1) {
        giver.unfinished = 0;
        Object.assign(taker, { unfinished: 1, isSettled: false, accepted: 1, inFlight: 1 });
      } else if (looked.length > 2) {
        Object.assign(taker, { unfinished: 0, isSettled: true, finished: 1, inFlight: 0 });
      }
      return [seen, { ...giver }];
    },
  };
  await within("quiet", quiet(working, LATER));
  assert.equal(taker.finished, 1);
});
