import assert from "node:assert/strict";
import { test } from "node:test";
import type { FunctionBinding } from "../../src/partition/ports.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { at, binding, Harness, message, TYPE, textOf, value } from "./harness.ts";

const bound = (rest: Partial<FunctionBinding>) => ({ functions: { [TYPE]: binding(rest) } });
const RETRY = { maxAttempts: 3, initialMs: 10, maxMs: 100 };

/** What the function was called with, batch by batch, when it fails for every batch with `poison` in it. */
function run(it: Harness, poison: string): string[][] {
  const batches: string[][] = [];
  for (let i = 0; i < 200; i++) {
    const { batch } = it;
    if (batch === undefined) {
      if (it.partition.delivery.wakeAtMs() === undefined) return batches;
      it.pass(100);
      continue;
    }
    batches.push(batch);
    if (batch.includes(poison)) it.fail();
    else it.reply();
    it.settle();
  }
  throw new Error("it never ends");
}

test("what comes while an address is called waits, and is the next batch as a whole", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  it.settle(it.send(at("a"), "2"), it.send(at("a"), "3"));
  assert.equal(it.started.length, 1);
  it.reply();
  it.settle();
  assert.deepEqual(it.batch, ["2", "3"]);
});

test("a batch ends at the bound of its messages and before the bound of its bytes", async () => {
  const it = await Harness.open({
    ...bound({ maxBatchMessages: 3 }),
    limits: { batchBytes: 2_000 },
  });
  it.turn(...["1", "2", "3", "4"].map((text) => it.send(at("a"), text)));
  it.turn(...["1", "2", "3"].map((text) => it.send(at("b"), text, { bytes: 600 })));
  it.turn(it.send(at("c"), "large", { bytes: 9_000 }), it.send(at("c"), "2"));
  it.settle();
  const sizes = it.started.map(({ invocation }) => invocation.messages.length);
  assert.deepEqual(sizes, [3, 2, 1]);
});

test("a failing batch is split, and the halves go one after the other, in order", async () => {
  const it = await Harness.open(bound({ onFailure: "deadLetter", retry: RETRY }));
  it.settle(...["1", "2", "3", "4"].map((text) => it.send(at("a"), text)));
  assert.deepEqual(run(it, "3"), [
    ["1", "2", "3", "4"],
    ["1", "2"],
    ["3", "4"],
    ["3"],
    ["3"],
    ["3"],
    ["4"],
  ]);
  assert.deepEqual(
    it.stored("dead").map((entry) => {
      const { what } = decodeDead(entry.value);
      return what.kind === "message" && textOf(what.message.value);
    }),
    ["3"],
  );
});

test("the suspicion ends behind the batch that failed", async () => {
  const it = await Harness.open(bound({ onFailure: "skip" }));
  it.settle(it.send(at("a"), "1"), it.send(at("a"), "bad"));
  it.settle(it.send(at("a"), "3"), it.send(at("a"), "4"), it.send(at("a"), "5"));
  assert.deepEqual(run(it, "bad"), [["1", "bad"], ["1"], ["bad"], ["3", "4", "5"]]);
});

test("a message that fails alone is tried as often as its type says, with growing waits", async () => {
  const it = await Harness.open(bound({ retry: RETRY }));
  it.settle(it.send(at("a"), "1"));
  const waits: number[] = [];
  const attempts: number[] = [];
  while (it.partition.parking.size === 0) {
    attempts.push(it.fail().invocation.attempt);
    const wakeAtMs = it.partition.delivery.wakeAtMs();
    if (wakeAtMs === undefined) break;
    waits.push(wakeAtMs - it.nowMs);
    it.pass(wakeAtMs - it.nowMs);
  }
  assert.deepEqual(attempts, [1, 2, 3]);
  assert.deepEqual(waits, [8, 15]);
  assert.equal(it.partition.parking.get(at("a"))?.attempts, 3);
});

test("skip forgets the message and goes on with the next", async () => {
  const it = await Harness.open(bound({ onFailure: "skip" }));
  it.settle(it.send(at("a"), "bad"));
  it.settle(it.send(at("a"), "good"));
  run(it, "bad");
  const { ledger, delivery } = it.partition;
  assert.deepEqual([ledger.finished, ledger.mail, ledger.dead], [2, 0, 0]);
  assert.equal(delivery.counts.skipped, 1);
});

test("a failing address delays no other", async () => {
  const it = await Harness.open(bound({ retry: RETRY, concurrency: 1 }));
  it.settle(it.send(at("a"), "1"), it.send(at("b"), "2"));
  it.fail("a");
  it.settle();
  assert.deepEqual(it.batch, ["2"]);
});

test("an address that has been served goes behind those that wait", async () => {
  const it = await Harness.open(bound({ concurrency: 1, maxBatchMessages: 1 }));
  it.settle(it.send(at("a"), "a1"), it.send(at("a"), "a2"), it.send(at("b"), "b1"));
  const order: string[] = [];
  while (it.batch !== undefined) {
    order.push(...it.batch);
    it.reply();
    it.settle();
  }
  assert.deepEqual(order, ["a1", "b1", "a2"]);
});

test("a type that is at its bound does not keep another waiting", async () => {
  const it = await Harness.open({
    functions: { [TYPE]: binding({ concurrency: 1 }), "test/other": binding() },
  });
  it.settle(it.send(at("a"), "1"), it.send(at("b"), "2"), it.send(at("a", "test/other"), "3"));
  assert.deepEqual(
    it.started.map(({ invocation }) => invocation.messages.map((each) => textOf(each.value))),
    [["1"], ["3"]],
  );
});

test("an endpoint's trouble blames no message, however often", async () => {
  const it = await Harness.open(bound({ retry: { ...RETRY, maxAttempts: 1 } }));
  it.settle(it.send(at("a"), "1"));
  for (let i = 1; i <= 20; i++) {
    const started = it.answer({ kind: "retryLater", reason: "refused" });
    assert.equal(started.invocation.attempt, i);
    it.pass(10_000);
  }
  assert.equal(it.partition.parking.size, 0);
  it.reply();
  it.settle();
  assert.equal(it.partition.ledger.finished, 1);
});

test("with an open circuit one probe goes out at a time, and its answer lets all the others go", async () => {
  const it = await Harness.open();
  it.settle(...Array.from({ length: 8 }, (_, i) => it.send(at(`${i}`), "x")));
  while (it.started.length > 0) it.answer({ kind: "retryLater", reason: "refused" });
  it.settle();
  it.pass(100);
  assert.equal(it.started.length, 1);
  it.pass(60_000);
  assert.equal(it.started.length, 1);
  it.reply();
  it.settle();
  assert.equal(it.started.length, 7);
});

test("delivery: immediate does not wait for the commit of the cause", async () => {
  const it = await Harness.open();
  it.turn(it.send(at("a"), "1"));
  assert(it.commit !== undefined);
  assert.deepEqual(it.batch, ["1"]);
});

test("delivery: committed waits for the commit of the cause", async () => {
  const it = await Harness.open(bound({ delivery: "committed" }));
  it.turn(it.send(at("a"), "1"));
  assert.equal(it.batch, undefined);
  it.completeCommit();
  assert.deepEqual(it.batch, ["1"]);
});

test("delivery: committed calls with what is durable, and not with what came later", async () => {
  const it = await Harness.open(bound({ delivery: "committed" }));
  it.turn(it.send(at("a"), "1"));
  it.turn(it.send(at("a"), "2"));
  it.completeCommit();
  assert.deepEqual(it.batch, ["1"]);
  it.reply();
  it.settle();
  assert.deepEqual(it.batch, ["2"]);
});

test("a second answer to one invocation is ignored", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  const { ticket } = it.reply({ messages: [{ target: at("b"), value: value("once") }] });
  const outcome = { kind: "failed", reason: "late" } as const;
  it.settle({ kind: "outcome", ticket, outcome }, { kind: "outcome", ticket: 99, outcome });
  assert.equal(it.partition.ledger.accepted, 2);
  assert.equal(it.partition.delivery.counts.failed, 0);
});

test("an address is called once at a time, also while its answer waits for a read", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  it.reply({ delayed: [{ kind: "cancel", token: "t" }] });
  assert(it.read !== undefined, "the token was not looked up");
  it.turn(it.send(at("a"), "2"));
  assert.equal(it.started.length, 0);
  it.settle();
  assert.deepEqual(it.batch, ["2"]);
});

test("mail of a type that left the module is parked, and delivered when the type is back", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  const without = await it.reopen({ functions: {} });
  without.nowMs += 5;
  without.settle();
  const parked = without.partition.parking.get(at("a"));
  assert.equal(parked?.code, "TARGET_UNKNOWN");
  assert(parked.sinceMs > 0, "it is not said since when");
  const back = await without.reopen({ functions: { [TYPE]: binding() } });
  back.settle();
  assert.deepEqual(back.batch, ["1"]);
  assert.equal(back.stored("parked").length, 0);
});

test("a clock that goes back leaves nobody resting for longer than any rest", async () => {
  const it = await Harness.open(bound({ retry: RETRY }));
  it.settle(it.send(at("a"), "1"));
  it.fail();
  it.nowMs -= 500_000;
  it.settle();
  assert.deepEqual(it.batch, ["1"]);
});

test("a clock that goes back ends a long rest also behind the short rest of another", async () => {
  const it = await Harness.open(bound({ retry: RETRY }));
  it.settle(it.send(at("a"), "1"), it.send(at("b"), "2"));
  it.fail("a");
  it.nowMs -= 500_000;
  it.fail("b");
  it.settle();
  assert.deepEqual(it.batch, ["1"]);
});

test("what a crash interrupts is delivered again, whole and in order", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  it.settle({
    kind: "channel",
    from: 1,
    first: 1,
    since: 1,
    barrier: 0,
    messages: [message("m2", at("a"), "2")],
  });
  const next = await it.reopen();
  next.settle();
  assert.deepEqual(next.batch, ["1", "2"]);
  next.reply();
  next.settle();
  assert.equal(next.stored("mail").length, 0);
});
