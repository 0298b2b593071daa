import assert from "node:assert/strict";
import { test } from "node:test";
import { egressDestination } from "../../src/store/keys.ts";
import { at, EGRESS, Harness, value } from "../partition/harness.ts";

const DESTINATION = egressDestination(EGRESS);

/** An address answers with records of so many bytes each; the receiver takes none. */
function publish(it: Harness, count: number, bytes: number): void {
  it.settle(it.send(at("teller"), "tell"));
  const record = { egress: EGRESS, value: value("x".repeat(bytes)) };
  it.reply({ egress: Array.from({ length: count }, () => record) });
  it.settle();
}

function acknowledgeAll(it: Harness): number {
  let count = 0;
  for (let sent = it.take("publish"); sent.length > 0; sent = it.take("publish")) {
    for (const { first, records } of sent) {
      count += records.length;
      const upTo = first + records.length - 1;
      it.settle({ kind: "acknowledged", destination: DESTINATION, upTo });
    }
  }
  return count;
}

const LIMITS = { outboxBytes: 50_000, outboxBytesInMemory: 5_000 };

test("outboxes whose receiver is away fill up to outboxBytes, and then nothing is taken in", async () => {
  const it = await Harness.open({ limits: LIMITS });
  publish(it, 40, 1_000);
  assert.equal(it.partition.isFull, false);
  publish(it, 10, 1_000);
  assert.equal(it.partition.fullBy, "outboxBytes");
  assert(it.partition.unfinished < 100, "far from the bound of messages");

  it.settle(it.send(at("b"), "what functions send is never refused"));
  it.reply({ messages: [{ target: at("c"), value: value("on") }] });
  it.settle();
  assert.deepEqual(it.batch, ["on"]);
  it.reply();
  it.settle();

  assert.equal(acknowledgeAll(it), 50);
  assert.equal(it.partition.isFull, false);
  assert.deepEqual([it.partition.ledger.outboxBytes, it.stored("outbox").length], [0, 0]);
});

test("outboxBytes counts what a partition finds on its disk, and goes on counting exactly", async () => {
  const it = await Harness.open({ limits: LIMITS });
  publish(it, 50, 1_000);
  const { outboxBytes } = it.partition.ledger;
  const next = await it.reopen();
  assert.equal(next.partition.ledger.outboxBytes, outboxBytes);
  assert.equal(next.partition.fullBy, "outboxBytes");
  assert.equal(acknowledgeAll(next), 50);
  assert.equal(next.partition.ledger.outboxBytes, 0);
  assert.equal(next.partition.isFull, false);
});
