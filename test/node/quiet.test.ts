import assert from "node:assert/strict";
import { test } from "node:test";
import { quiet } from "../../src/node/quiet.ts";
import { within } from "../support/until.ts";

/** A partition as far as it tells whether it works. */
class FakePartition {
  unfinished = 0;
  readonly epochs: { isCommitting: boolean; dirtySinceMs: number | undefined } = {
    isCommitting: false,
    dirtySinceMs: undefined,
  };
  readonly ledger = { finished: 0 };
  readonly delivery = { inFlight: 0 };
  readonly outboxes = { held: 0 };
}

const hosts = (...partitions: (FakePartition | undefined)[]) => ({
  hosts: partitions.map((partition) => ({ partition })),
});

const LATER = performance.now() + 3_600_000;

test("a node with nothing to do is quiet at once, also while a partition is down", async () => {
  await within("quiet", quiet(hosts(new FakePartition(), undefined), LATER));
});

test("it is not quiet before the last commit is durable", async () => {
  const partition = new FakePartition();
  partition.epochs.isCommitting = true;
  let isOver = false;
  const over = quiet(hosts(new FakePartition(), partition), LATER).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  partition.epochs.isCommitting = false;
  await within("quiet", over);
});

test("it is not quiet while what was done lingers for its commit", async () => {
  const partition = new FakePartition();
  partition.epochs.dirtySinceMs = 1;
  let isOver = false;
  const over = quiet(hosts(partition), LATER).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  partition.epochs.dirtySinceMs = undefined;
  await within("quiet", over);
});

test("it waits for what was accepted until it is done", async () => {
  const partition = new FakePartition();
  partition.unfinished = 1;
  partition.delivery.inFlight = 1;
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
  partition.delivery.inFlight = 1;
  await within("quiet", quiet(hosts(partition), performance.now() + 30));
});

test("what waits for a snapshot keeps nobody waiting", async () => {
  const partition = new FakePartition();
  partition.unfinished = 3;
  partition.outboxes.held = 3;
  await within("quiet", quiet(hosts(partition), LATER));
});
