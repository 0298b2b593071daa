import assert from "node:assert/strict";
import { test } from "node:test";
import { at, Harness } from "../partition/harness.ts";

/** An address whose message of so many bytes fails, and is parked with it. */
function park(it: Harness, id: string, bytes = 10): void {
  it.settle(it.send(at(id), id, { bytes }));
  it.fail(id);
  it.settle();
}

test("at parkedAddresses nothing is taken in until a person decides, and what waits is served then", async () => {
  const it = await Harness.open({ limits: { parkedAddresses: 3 } });
  park(it, "a");
  park(it, "b");
  assert.equal(it.partition.isFull, false);
  park(it, "c");
  assert.equal(it.partition.fullBy, "parkedAddresses");
  const next = await it.reopen();
  assert.equal(next.partition.fullBy, "parkedAddresses", "also after a restart");
  next.settle(next.operator({ kind: "retryParked", address: at("b") }));
  assert.equal(next.partition.isFull, false);
  assert.deepEqual(next.batch, ["b".padEnd(10, ".")]);
});

test("parked mail is not held in memory, and leaves room there for that of others", async () => {
  const it = await Harness.open({ limits: { mailBytesInMemory: 5_000 } });
  for (const id of ["a", "b", "c", "d", "e"]) park(it, id, 1_000);
  assert.equal(it.partition.mailboxes.bytesInMemory, 0);
  it.settle(it.send(at("a"), "more", { bytes: 1_000 }));
  assert.equal(it.partition.mailboxes.bytesInMemory, 0, "nor is what comes later");
  it.settle(it.send(at("x"), "next"));
  assert.equal(it.partition.mailboxes.get("test/function/x")?.head.size, 1);
  it.reply({}, "x");
  it.settle();

  const next = await it.reopen();
  assert.equal(next.partition.mailboxes.bytesInMemory, 0);
  next.settle(next.operator({ kind: "retryParked", address: at("a") }));
  assert.deepEqual(
    next.batch?.map((text) => text.replaceAll(".", "")),
    ["a", "more"],
  );
  next.reply();
  next.settle(next.operator({ kind: "skipParked", address: at("b") }));
  assert.equal(next.stored("dead").length, 1);
  assert.equal(next.partition.ledger.drift, 0);
});

test("a message that is parked before it is durable leaves memory with its commit", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "known"));
  it.reply({}, "a");
  it.settle();
  it.turn(it.send(at("b"), "hold the commit"));
  it.turn(it.send(at("a"), "poison", { bytes: 1_000 }));
  it.fail("a");
  assert(it.partition.mailboxes.bytesInMemory > 1_000, "memory alone has it");
  it.settle();
  it.reply({}, "b");
  it.settle();
  assert.equal(it.partition.parking.size, 1);
  assert.equal(it.partition.mailboxes.bytesInMemory, 0);
  it.settle(it.operator({ kind: "retryParked", address: at("a") }));
  assert.match(it.batch?.[0] ?? "", /^poison/);
});
