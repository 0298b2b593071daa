import assert from "node:assert/strict";
import { test } from "node:test";
import { at, Harness, textOf } from "./harness.ts";

const texts = (count: number, from = 1) => Array.from({ length: count }, (_, i) => `${i + from}`);

const delivered = (it: Harness): string[] => {
  const all: string[] = [];
  while (it.batch !== undefined) {
    all.push(...it.batch);
    it.reply();
    it.settle();
  }
  return all;
};

test("a message that begins and ends within one epoch is never written", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "0"));
  it.reply(); // its commit runs
  it.turn(it.send(at("b"), "1"));
  it.reply();
  it.completeCommit();
  assert.deepEqual(it.writes("mail"), []);
  it.completeCommit();
  assert.deepEqual([it.stored("mail").length, it.partition.ledger.finished], [0, 2]);
});

test("one that is pending when a commit starts is written with it, and removed with its outcome", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  assert.equal(it.stored("mail").length, 1);
  it.reply();
  assert.deepEqual(
    it.writes("mail").map(({ value }) => value),
    [undefined],
  );
});

test("one whose outcome comes while its commit runs is removed by the next", async () => {
  const it = await Harness.open();
  it.turn(it.send(at("a"), "1"));
  it.reply();
  it.completeCommit();
  assert.equal(it.stored("mail").length, 1);
  it.settle();
  assert.equal(it.stored("mail").length, 0);
});

test("spilled mail comes back in order", async () => {
  const it = await Harness.open({ limits: { mailboxMessagesInMemory: 3 } });
  it.settle(...texts(10).map((text) => it.send(at("a"), text)));
  it.settle(...texts(5, 11).map((text) => it.send(at("a"), text)));
  const held = it.partition.mailboxes.get("test/function/a");
  assert.deepEqual([held?.head.size, held?.spilledCount], [3, 12]);
  assert.deepEqual(delivered(it), texts(15));
  assert.deepEqual([it.stored("mail").length, it.partition.mailboxes.addresses], [0, 0]);
});

test("with no room in memory at all mail waits on disk, and all of it is served in order", async () => {
  const it = await Harness.open({ limits: { mailBytesInMemory: 0, mailboxMessagesInMemory: 1 } });
  for (const text of texts(6)) it.settle(it.send(at("a"), text));
  it.settle(...texts(6).map((text) => it.send(at("b"), text)));
  assert.equal(it.partition.mailboxes.unfinishedBytes > 0, true);
  const [a, b] = [[] as string[], [] as string[]];
  while (it.started[0] !== undefined) {
    const { id } = it.started[0].invocation.target;
    (id === "a" ? a : b).push(...(it.batch ?? []));
    it.reply();
    it.settle();
  }
  assert.deepEqual([a, b], [texts(6), texts(6)]);
  assert.deepEqual(
    [it.partition.mailboxes.bytesInMemory, it.partition.mailboxes.unfinishedBytes],
    [0, 0],
  );
});

test("with no room in memory, what comes while an address is called waits on disk alone", async () => {
  const it = await Harness.open({ limits: { mailBytesInMemory: 0 } });
  for (const text of texts(4)) it.settle(it.send(at("a"), text));
  const held = it.partition.mailboxes.get("test/function/a");
  assert.deepEqual([held?.head.size, held?.spilledCount], [1, 3]);
  assert.deepEqual(delivered(it), texts(4));
});

test("an address holds no more in memory than its bound, also when it is served while a commit runs", async () => {
  const it = await Harness.open({ limits: { mailboxMessagesInMemory: 3 } });
  it.settle(it.send(at("a"), "0"));
  it.turn(it.send(at("b"), "hold the commit"));
  it.turn(...texts(100).map((text) => it.send(at("a"), text)));
  const called = () =>
    it.started.find(({ invocation }) => invocation.target.id === "a")?.invocation.messages;
  const batch = () => called()?.map((each) => textOf(each.value));
  it.reply({}, "a");
  assert.deepEqual(batch(), ["1", "2"]);
  it.reply({}, "a");
  assert.deepEqual(batch(), ["3", "4", "5"], "what waited in the tail is not next");
  it.settle();
  const held = it.partition.mailboxes.get("test/function/a");
  assert((held?.head.size ?? 0) <= 3, `${held?.head.size} are in memory`);
  it.reply({}, "b");
  it.settle();
  assert.deepEqual(delivered(it), texts(98, 3));
});

test("what was pending at a crash is pending again, with the same bytes, and in order", async () => {
  const options = { limits: { mailboxMessagesInMemory: 3 } };
  const it = await Harness.open(options);
  it.settle(...texts(8).map((text) => it.send(at("a"), text)));
  const next = await it.reopen();
  assert.equal(next.partition.mailboxes.unfinishedBytes, it.partition.mailboxes.unfinishedBytes);
  assert.deepEqual(delivered(next), texts(8));
});
