import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDead } from "../../src/store/records/dead.ts";
import { at, Harness, value } from "./harness.ts";

/** An address that is parked, with these messages. */
async function parked(
  texts: readonly string[],
  options: Parameters<typeof Harness.open>[0] = {},
): Promise<Harness> {
  const it = await Harness.open(options);
  const [first, ...rest] = texts;
  assert(first !== undefined);
  it.settle(it.send(at("a"), first));
  it.fail();
  it.settle();
  for (const text of rest) it.settle(it.send(at("a"), text));
  assert.equal(it.partition.parking.size, 1);
  return it;
}

const found = (it: Harness) => it.take("operated").map((answer) => answer.found);

test("a parked address is not called, and keeps its messages, in order, across a restart", async () => {
  const it = await parked(["1", "2", "3"]);
  assert.deepEqual([it.started.length, it.partition.ledger.mail], [0, 3]);
  const next = await it.reopen();
  next.pass(100_000);
  assert.equal(next.started.length, 0);
  assert.equal(next.partition.parking.get(at("a"))?.reason, "it threw");
  next.settle(next.operator({ kind: "retryParked", address: at("a") }));
  assert.deepEqual(next.batch, ["1", "2", "3"]);
});

test("its mail does not count against the bound of unfinished work", async () => {
  const it = await parked(["1", "2", "3"], { limits: { unfinishedMessages: 2 } });
  assert.deepEqual([it.partition.unfinished, it.partition.mailboxes.unfinishedBytes], [0, 0]);
  assert(!it.partition.isFull);
  const next = await it.reopen();
  assert.deepEqual([next.partition.unfinished, next.partition.mailboxes.parkedCount], [0, 3]);
  next.settle(next.operator({ kind: "retryParked", address: at("a") }));
  assert.equal(next.partition.unfinished, 3);
  assert(next.partition.isFull);
});

test("its bytes are counted as what waits, before and after a restart", async () => {
  const it = await parked(["1", "2", "3"]);
  const { bytes } = it.partition.mailboxes;
  assert(bytes > 0);
  const next = await it.reopen();
  assert.equal(next.partition.mailboxes.bytes, bytes);
  next.settle(next.operator({ kind: "retryParked", address: at("a") }));
  assert.equal(next.partition.mailboxes.bytes, bytes);
  next.reply();
  next.settle();
  assert.equal(next.partition.mailboxes.bytes, 0);
});

test("beyond its bound, messages to a parked address are dead letters", async () => {
  const it = await parked(["1", "2"], { limits: { parkedMessages: 2 } });
  it.settle(it.send(at("a"), "3"));
  assert.deepEqual(
    it.stored("dead").map((entry) => decodeDead(entry.value).code),
    ["MAILBOX_FULL"],
  );
});

test("an operator hears that it was retried once that is durable", async () => {
  const it = await parked(["1"]);
  it.turn(it.operator({ kind: "retryParked", address: at("a") }));
  assert.deepEqual(found(it), []);
  it.completeCommit();
  assert.deepEqual(found(it), ["test/function/a"]);
  assert.equal(it.stored("parked").length, 0);
});

test("an address that fails again is parked again, with the time and the attempts of this failure", async () => {
  const it = await parked(["1"]);
  it.nowMs += 5_000;
  it.settle(it.operator({ kind: "retryParked", address: at("a") }));
  assert.equal(it.started[0]?.invocation.attempt, 1);
  it.fail();
  it.settle();
  const record = it.partition.parking.get(at("a"));
  assert.deepEqual([record?.sinceMs, record?.attempts], [it.nowMs, 1]);
});

test("skipping gives the first message up, and goes on with the next", async () => {
  const it = await parked(["1", "2"]);
  it.settle(it.operator({ kind: "skipParked", address: at("a") }));
  assert.deepEqual(it.batch, ["2"]);
  const [dead] = it.stored("dead").map((entry) => decodeDead(entry.value));
  assert.match(dead?.reason ?? "", /skipped by an operator; it was parked because: it threw/);
  assert.equal(dead?.attempts, 1);
  assert.equal(it.partition.ledger.drift, 0);
});

test("skipping the only message leaves nothing of the address", async () => {
  const it = await parked(["1"]);
  it.settle(it.operator({ kind: "skipParked", address: at("a") }));
  assert.deepEqual([it.partition.mailboxes.addresses, it.stored("mail").length], [0, 0]);
  assert.equal(it.stored("parked").length, 0);
});

test("an address that is not parked is not found", async () => {
  const it = await Harness.open();
  it.settle(it.operator({ kind: "retryParked", address: at("a") }));
  it.settle(it.operator({ kind: "skipParked", address: at("a") }));
  assert.deepEqual(found(it), [undefined, undefined]);
});

test("purging removes all its messages for good, and it goes on with what comes", async () => {
  const it = await parked(["1", "2", "3"]);
  const finished = it.partition.ledger.finished;
  it.settle(it.operator({ kind: "purgeParked", address: at("a") }));
  const [answer] = it.take("operated");
  assert.deepEqual([answer?.found, answer?.messages, answer?.more], ["test/function/a", 3, false]);
  assert.deepEqual([it.stored("mail").length, it.stored("dead").length], [0, 0]);
  assert.deepEqual([it.partition.parking.size, it.partition.mailboxes.addresses], [0, 0]);
  assert.deepEqual([it.partition.ledger.finished - finished, it.partition.ledger.drift], [3, 0]);
  it.settle(it.send(at("a"), "4"));
  assert.deepEqual(it.batch, ["4"]);
});

test("a long mailbox is purged a piece at a time, and is parked until the last one is gone", async () => {
  const it = await parked(["1", "2", "3", "4", "5"], { limits: { mailboxMessagesInMemory: 2 } });
  const purge = () => {
    it.settle(it.operator({ kind: "purgeParked", address: at("a") }));
    return it.take("operated").map(({ messages, more }) => ({ messages, more }));
  };
  assert.deepEqual(purge(), [{ messages: 2, more: true }]);
  const next = await it.reopen();
  assert.equal(next.partition.parking.size, 1);
  assert.equal(next.partition.ledger.mail, 3);
  next.settle(next.operator({ kind: "retryParked", address: at("a") }));
  assert.deepEqual(next.batch, ["3", "4"]);
});

test("while its mail is read to be purged, nobody else decides about it", async () => {
  const it = await parked(["1", "2", "3"], { limits: { mailboxMessagesInMemory: 1 } });
  it.settle(it.operator({ kind: "purgeParked", address: at("a") }));
  it.take("operated");
  // What is left is on disk alone: the next purge reads it, and these come meanwhile.
  it.turn(it.operator({ kind: "purgeParked", address: at("a") }));
  it.turn(
    it.operator({ kind: "retryParked", address: at("a") }),
    it.operator({ kind: "skipParked", address: at("a") }),
  );
  it.settle();
  assert.deepEqual(
    it.take("refused").map(({ code }) => code),
    ["OVERLOADED", "OVERLOADED"],
  );
  assert.equal(it.take("operated").length, 1);
  assert.deepEqual([it.started.length, it.partition.ledger.mail], [0, 1]);
  assert.equal(it.partition.ledger.drift, 0);
});

test("a reason that quotes something endless is cut off, for the parked and for the dead", async () => {
  const it = await Harness.open();
  const name = "n".repeat(100_000);
  it.settle(it.send(at("a"), "x"), it.send(at("b"), "x"));
  it.reply({ mutations: [{ name, value: undefined }] }, "a");
  it.reply({ egress: [{ egress: name, value: value("") }] }, "b");
  it.settle();
  const reason = it.partition.parking.get(at("a"))?.reason ?? "";
  assert.match(reason, /^it changes a state "n+…$/);
  assert(reason.length <= 2_000);
  const [dead] = it.stored("dead");
  assert(dead !== undefined && dead.value.byteLength < 4_000);
});
