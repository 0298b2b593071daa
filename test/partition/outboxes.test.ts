import assert from "node:assert/strict";
import { test } from "node:test";
import { firstNumberOf } from "../../src/model/outbox-number.ts";
import { egressDestination, keyOf } from "../../src/store/keys.ts";
import { decodeMeta, encodeMeta } from "../../src/store/records/meta.ts";
import { at, EGRESS, Harness, idIn, value } from "./harness.ts";

/** An address sends to these partitions and to the egress, in one answer. */
function spread(it: Harness, count: number): void {
  it.settle(it.send(at(idIn(0, count)), "go"));
  const messages = Array.from({ length: count - 1 }, (_, i) => ({
    ...{ target: at(idIn(i + 1, count)), value: value("x") },
  }));
  it.reply({ messages, egress: [{ egress: EGRESS, value: value("x") }] });
  it.settle();
}

test("every destination has numbers of its own", async () => {
  const it = await Harness.open({ partitionCount: 3 });
  spread(it, 3);
  spread(it, 3);
  const channels = it.take("channel").map(({ to, first }) => `${to}:${first}`);
  assert.deepEqual(channels.sort(), ["1:1", "1:2", "2:1", "2:2"]);
  assert.deepEqual(
    it.take("publish").map(({ egress, first }) => [egress, first]),
    [
      [EGRESS, 1],
      [EGRESS, 2],
    ],
  );
});

test("an acknowledgement of one destination frees nothing of another", async () => {
  const it = await Harness.open({ partitionCount: 12 });
  spread(it, 12);
  assert.equal(it.partition.ledger.outbox, 12);
  it.settle({ kind: "acknowledged", destination: "partition/1", upTo: 1 });
  assert.equal(it.partition.ledger.outbox, 11);
  const next = await it.reopen();
  const left = next.take("channel").map(({ to }) => to);
  assert.deepEqual(
    left.sort((a, b) => a - b),
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  );
});

test("an acknowledgement of what was never sent, or by nobody known, changes nothing", async () => {
  const it = await Harness.open({ partitionCount: 3 });
  it.settle({ kind: "acknowledged", destination: "partition/1", upTo: 5 });
  it.settle({ kind: "acknowledged", destination: "egress/nobody/here", upTo: 5 });
  spread(it, 3);
  assert.equal(it.partition.ledger.outbox, 3);
  assert.equal(it.partition.ledger.drift, 0);
});

test("a batch says what the outbox still holds", async () => {
  const it = await Harness.open({ partitionCount: 2 });
  for (let i = 0; i < 3; i++) spread(it, 2);
  assert.deepEqual(
    it.take("channel").map(({ first, since }) => [first, since]),
    [
      [1, 1],
      [2, 1],
      [3, 1],
    ],
  );
  it.settle({ kind: "resume", destination: "partition/1", next: 3, barrier: 0 });
  assert.deepEqual(
    it.take("channel").map(({ first, since }) => [first, since]),
    [[3, 3]],
  );
});

test("numbers of an earlier incarnation are kept, and new ones begin above them", async () => {
  const first = await Harness.open();
  first.settle(first.send(at("a"), "go"));
  first.reply({ egress: [{ egress: EGRESS, value: value("old") }] });
  first.settle();
  const [meta] = first.disk.read([keyOf("meta")]);
  assert(meta !== undefined);
  const restored = encodeMeta({ ...decodeMeta(meta), incarnation: 2 });
  first.disk.apply([{ key: keyOf("meta"), value: restored }], decodeMeta(meta).epoch + 1);
  const it = await first.reopen();
  it.settle(it.send(at("a"), "go on"));
  it.reply({ egress: [{ egress: EGRESS, value: value("new") }] });
  it.settle();
  const sent = it.take("publish").map(({ first, records }) => [first, records.length]);
  assert.deepEqual(sent, [
    [1, 1],
    [firstNumberOf(2), 1],
  ]);
  const upTo = firstNumberOf(2);
  it.settle({ kind: "acknowledged", destination: egressDestination(EGRESS), upTo });
  assert.equal(it.stored("outbox").length, 0);
});
