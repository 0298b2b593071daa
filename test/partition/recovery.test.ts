import assert from "node:assert/strict";
import { test } from "node:test";
import { entriesOf } from "../../src/partition/recovery.ts";
import { keyOf } from "../../src/store/keys.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import { SimDisk } from "../sim/disk.ts";
import { at, binding, Harness, TYPE, value } from "./harness.ts";

const metaOf = (it: Harness) => decodeMeta(it.stored("meta")[0]?.value ?? new Uint8Array());

test("every opening is a session of its own, durable before anything else happens", async () => {
  const it = await Harness.open();
  assert.equal(metaOf(it).session, 1);
  const next = await it.reopen();
  assert.equal(metaOf(next).session, 2);
  assert.deepEqual([next.started.length, metaOf(next).accepted], [0, 0]);
});

test("ids and sequences go on where they were, and none is given twice", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  const next = await it.reopen();
  next.settle(next.send(at("a"), "2"));
  const ids = [...it.take("accepted"), ...next.take("accepted")].map(({ messageId }) => messageId);
  assert.equal(new Set(ids).size, 2);
  assert(metaOf(next).nextSequence > metaOf(it).epoch);
});

test("the books are what they were", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"), it.send(at("b"), "2", { delayMs: 60_000 }));
  const books = JSON.stringify(it.partition.ledger);
  const next = await it.reopen();
  assert.equal(JSON.stringify(next.partition.ledger), books);
});

test("pending mail is counted at an opening, and in memory only once its address is served", async () => {
  const options = { functions: { [TYPE]: binding({ concurrency: 1 }) } };
  const it = await Harness.open(options);
  it.settle(it.send(at("a"), "1"), it.send(at("b"), "2"), it.send(at("c"), "3"));
  it.settle(it.send(at("b"), "4"));
  const next = await it.reopen();
  const { mailboxes } = next.partition;
  const inMemory = ["a", "b", "c"].map((id) => mailboxes.get(`${TYPE}/${id}`)?.head.size);
  assert.deepEqual(inMemory, [1, 0, 0]);
  assert.equal(mailboxes.unfinishedBytes, it.partition.mailboxes.unfinishedBytes);
  assert.deepEqual(mailboxes.unfinishedOf(TYPE), it.partition.mailboxes.unfinishedOf(TYPE));
  const served: (string[] | undefined)[] = [];
  for (; next.batch !== undefined; next.settle()) {
    served.push(next.batch);
    next.reply();
  }
  assert.deepEqual(served, [["1"], ["2", "4"], ["3"]]);
  assert.deepEqual([mailboxes.bytesInMemory, mailboxes.unfinishedBytes], [0, 0]);
});

test("whom one function told something stand in line as one after an opening, too", async () => {
  const it = await Harness.open({ functions: { [TYPE]: binding({ concurrency: 1 }) } });
  it.settle(it.send(at("teller"), "tell"));
  const told = ["b1", "b2", "b3", "b4"];
  it.reply({ messages: told.map((id) => ({ target: at(id), value: value(id) })) });
  it.settle(it.send(at("z"), "from outside"));
  const next = await it.reopen();
  const served: (string | undefined)[] = [];
  for (; next.batch !== undefined; next.settle()) {
    served.push(next.started[0]?.invocation.target.id);
    next.reply();
  }
  assert.deepEqual(served, ["b1", "z", "b2", "b3", "b4"]);
});

test("an accepted loss begins another incarnation, with epochs and sessions above all that were lost", async () => {
  const it = await Harness.open();
  const next = await it.reopen({ lostEpoch: 1_000 });
  const { incarnation, epoch, session } = metaOf(next);
  assert.equal(incarnation, 1);
  assert(epoch > 1_000 && session > 1_000);
  const later = await next.reopen({ lostEpoch: undefined });
  assert.deepEqual([metaOf(later).incarnation, metaOf(later).session], [1, session + 1]);
});

test("the same old store put back twice is two losses", async () => {
  const it = await Harness.open();
  const older = it.disk.copy();
  const first = await it.reopen({ lostEpoch: 1_000 });
  const lostEpoch = metaOf(first).epoch;
  const second = await Harness.open({ disk: older, lostEpoch });
  assert(metaOf(second).session > metaOf(first).session);
  assert(metaOf(second).incarnation > metaOf(first).incarnation);
});

test("all entries under a tag are read, a page at a time, and none of another", async () => {
  const disk = new SimDisk();
  const writes = Array.from({ length: 12_000 }, (_, i) => ({
    ...{ key: keyOf("dead", i), value: Buffer.of(1) },
  }));
  disk.apply([...writes, { key: keyOf("expiry", 1, "once"), value: Buffer.of(1) }], 1);
  let count = 0;
  for await (const entry of entriesOf(disk, "dead")) if (entry.value[0] === 1) count++;
  assert.equal(count, 12_000);
});
