import assert from "node:assert/strict";
import { test } from "node:test";
import type { SourceRecord } from "../../src/model/source.ts";
import type { ChannelInput, SourceInput } from "../../src/partition/ports.ts";
import { keyOf } from "../../src/store/keys.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { decodeMeta, encodeMeta } from "../../src/store/records/meta.ts";
import { decodeOnce, encodeOnce } from "../../src/store/records/once.ts";
import { at, connect, Harness, idIn, message, textOf, value } from "./harness.ts";

const HERE = idIn(0, 2);
const THERE = idIn(1, 2);

const record = (position: number, text = `${position}`): SourceRecord => ({
  position,
  messages: [{ target: at(HERE), value: value(text), traceparent: undefined, headers: [] }],
});

const run = (first: number, next: number, ...positions: readonly number[]): SourceInput => ({
  ...{ kind: "source", source: "topic/0", first, next },
  records: positions.map((position) => record(position)),
});

const batch = (first: number, ...ids: readonly string[]): ChannelInput => ({
  ...{ kind: "channel", from: 1, first, since: 1, barrier: 0 },
  messages: ids.map((id) => message(id, at(HERE))),
});

const open = () => Harness.open({ partitionCount: 2 });

const delivered = (it: Harness): string[] => {
  const texts: string[] = [];
  while (it.batch !== undefined) {
    texts.push(...it.batch);
    it.reply();
    it.settle();
  }
  return texts;
};

test("a request is answered once it is durable, not before", async () => {
  const it = await open();
  it.turn(it.send(at(HERE), "1"));
  assert.deepEqual(it.take("accepted"), []);
  it.completeCommit();
  assert.equal(it.take("accepted").length, 1);
});

test("what a crash interrupts before its commit was never accepted", async () => {
  const it = await open();
  it.turn(it.send(at(HERE), "1"));
  const next = await it.reopen();
  assert.equal(next.partition.ledger.accepted, 0);
  assert.deepEqual(delivered(next), []);
});

test("a delayed send comes when its time has come, and is accepted before", async () => {
  const it = await open();
  it.settle(it.send(at(HERE), "1", { delayMs: 5_000 }));
  assert.equal(it.take("accepted").length, 1);
  assert.equal(it.pass(4_999).started.length, 0);
  assert.equal(it.pass(1).started.length, 1);
});

test("a request to an unknown type or an impossible address is refused with its reason", async () => {
  const it = await open();
  it.settle(it.send(at("x", "test/nobody"), "1"), it.call(at("x", "no-slash"), "1"));
  assert.deepEqual(
    it.take("refused").map(({ code }) => code),
    ["TYPE_UNKNOWN", "REQUEST_INVALID"],
  );
  assert.equal(it.partition.ledger.accepted, 0);
});

test("a source is taken in order: a repeated run is ignored, one that overlaps is taken from where it is new", async () => {
  const it = await open();
  it.settle(run(0, 2, 0, 1));
  it.settle(run(0, 2, 0, 1));
  it.settle(run(1, 4, 1, 2, 3));
  assert.deepEqual(delivered(it), ["0", "1", "2", "3"]);
  assert.equal(it.partition.positions.durable("topic/0"), 4);
});

test("a gap in a source is refused", async () => {
  const it = await open();
  it.settle(run(0, 1, 0));
  it.settle(run(5, 6, 5));
  assert.equal(it.partition.positions.next("topic/0"), 1);
  assert.deepEqual(delivered(it), ["0"]);
});

test("holes that a run spans are passed over, and an empty run moves the position", async () => {
  const it = await open();
  it.settle(run(0, 10, 3, 7), run(10, 20));
  assert.equal(it.partition.positions.durable("topic/0"), 20);
});

test("a source's position is stored with what was taken, so a crash takes both or neither", async () => {
  const it = await open();
  it.turn(run(0, 2, 0, 1));
  const lost = await Harness.open({ partitionCount: 2, disk: it.disk.copy() });
  assert.deepEqual(
    [lost.partition.positions.next("topic/0"), lost.partition.ledger.mail],
    [undefined, 0],
  );
  const kept = await it.reopen({ applied: true });
  assert.deepEqual([kept.partition.positions.next("topic/0"), kept.partition.ledger.mail], [2, 2]);
});

test("where a source begins is stored before it brings anything", async () => {
  const it = await open();
  it.settle(run(40, 40));
  assert.equal(it.partition.positions.durable("topic/0"), 40);
  const next = await it.reopen({ applied: true });
  assert.equal(next.partition.positions.next("topic/0"), 40);
});

test("a position goes back only where the source says so, and from where it stands", async () => {
  const it = await open();
  it.settle(run(0, 9, 8));
  it.settle(run(9, 3));
  assert.equal(it.partition.positions.next("topic/0"), 9);
  it.settle({ ...run(7, 3), goesBack: true });
  assert.equal(it.partition.positions.next("topic/0"), 9);
  it.settle({ ...run(9, 3), goesBack: true });
  assert.equal(it.partition.positions.durable("topic/0"), 3);
  it.settle(run(3, 4, 3));
  assert.equal(it.partition.ledger.accepted, 2);
});

test("a record taken again after a crash is the same message", async () => {
  const it = await open();
  it.turn(run(0, 1, 0));
  const next = await open();
  next.settle(run(0, 1, 0));
  const ids = [it, next].map((each) => each.started[0]?.invocation.messages[0]?.id);
  assert.deepEqual(ids, ["topic/0@0", "topic/0@0"]);
});

test("a record that becomes no message is a dead letter, and the position moves on", async () => {
  const it = await open();
  const common = { key: Buffer.from("k"), value: value("?"), headers: [], traceparent: undefined };
  const invalid = { ...common, reason: "no key" };
  const records = [{ position: 0, messages: [], invalid }, record(1)];
  it.settle({ kind: "source", source: "topic/0", first: 0, next: 2, records });
  const [dead] = it.stored("dead").map((entry) => decodeDead(entry.value));
  assert.deepEqual([dead?.code, dead?.reason], ["RECORD_INVALID", "no key"]);
  assert.equal(dead?.source, "topic/0@0");
  assert.deepEqual(delivered(it), ["1"]);
});

test("a record's message to an unknown type is a dead letter, and nothing stops", async () => {
  const it = await open();
  const target = at("x", "test/nobody");
  const routed = { target, value: value("?"), traceparent: undefined, headers: [] };
  const records = [{ position: 0, messages: [routed] }, record(1)];
  it.settle({ kind: "source", source: "topic/0", first: 0, next: 2, records });
  const [dead] = it.stored("dead").map((entry) => decodeDead(entry.value));
  assert.deepEqual([dead?.code, dead?.source], ["TARGET_UNKNOWN", "topic/0@0"]);
  assert.deepEqual(delivered(it), ["1"]);
});

test("a channel batch is acknowledged once it is durable", async () => {
  const it = await open();
  it.turn(batch(1, "m1", "m2"));
  assert.deepEqual(it.take("acknowledge"), []);
  it.completeCommit();
  assert.deepEqual(it.take("acknowledge"), [{ kind: "acknowledge", to: 1, upTo: 2, barrier: 0 }]);
});

test("a duplicate channel batch is ignored and acknowledged again", async () => {
  const it = await open();
  it.settle(batch(1, "m1", "m2"));
  it.take("acknowledge");
  it.settle(batch(1, "m1", "m2"));
  assert.deepEqual(it.take("acknowledge"), [{ kind: "acknowledge", to: 1, upTo: 2, barrier: 0 }]);
  assert.deepEqual(delivered(it), ["m1", "m2"]);
});

test("a duplicate of what is not durable yet is not acknowledged", async () => {
  const it = await open();
  it.turn(batch(1, "m1"));
  it.turn(batch(1, "m1"));
  assert.deepEqual(it.take("acknowledge"), []);
  it.completeCommit();
  assert.equal(it.take("acknowledge").length, 1);
});

test("a batch that overlaps is taken from where it is new; a gap asks for what is missing", async () => {
  const it = await open();
  it.take("resume");
  it.settle(batch(1, "m1", "m2"));
  it.settle(batch(2, "m2", "m3"));
  it.settle(batch(9, "m9"));
  assert.deepEqual(it.take("resume"), [{ kind: "resume", to: 1, next: 4, barrier: 0 }]);
  assert.deepEqual(delivered(it), ["m1", "m2", "m3"]);
});

test("an opened partition tells every peer from where it has nothing", async () => {
  const it = await Harness.open({ partition: 1, partitionCount: 3 });
  assert.deepEqual(
    it.take("resume").map(({ to, next }) => [to, next]),
    [
      [0, 1],
      [2, 1],
    ],
  );
});

/** Two partitions; an address of the first sends these to one of the second, which handles them. */
async function pair(): Promise<[Harness, Harness]> {
  const [a, b] = [await open(), await Harness.open({ partition: 1, partitionCount: 2 })];
  connect(a, b);
  return [a, b];
}

function sendAcross(a: Harness, text: string): void {
  a.settle(a.send(at(HERE), "go"));
  a.reply({ messages: [{ target: at(THERE), value: value(text) }] });
  a.settle();
}

test("what one partition sends another is handled there once, whoever crashes in between", async () => {
  let [a, b] = await pair();
  sendAcross(a, "1");
  a = await a.reopen(); // sends it again
  connect(a, b);
  sendAcross(a, "2");
  a.take("channel"); // lost with the memory of b
  b = await b.reopen();
  connect(a, b);
  assert.deepEqual(delivered(b), ["1", "2"]);
  connect(a, b);
  assert.equal(a.partition.ledger.outbox, 0);
});

test("a partition that lost epochs is heard again by its peers", async () => {
  const [a, b] = await pair();
  sendAcross(a, "1");
  connect(a, b);
  const older = a.disk.copy();
  for (const text of ["2", "3", "4"]) sendAcross(a, text);
  connect(a, b);
  const back = await Harness.open({ partitionCount: 2, disk: older, lostEpoch: 1_000 });
  sendAcross(back, "after the loss"); // before it hears anything from its peer
  connect(back, b);
  assert.deepEqual(delivered(b), ["1", "2", "3", "4", "after the loss"]);
  connect(back, b);
  assert.equal(back.partition.ledger.outbox, 0);
});

test("a partition that lost epochs hears its peers again", async () => {
  const [a, b] = await pair();
  sendAcross(a, "1");
  connect(a, b);
  const older = b.disk.copy();
  for (const text of ["2", "3"]) sendAcross(a, text);
  connect(a, b);
  const rest = { partition: 1, partitionCount: 2, lostEpoch: 1_000 };
  const back = await Harness.open({ ...rest, disk: older });
  connect(a, back);
  sendAcross(a, "4");
  connect(a, back);
  assert.deepEqual(delivered(back), ["1", "4"]);
  assert.equal(a.partition.ledger.outbox, 0);
});

test("after an accepted loss no message gets an id that the lost epochs may have given", async () => {
  const it = await open();
  const older = it.disk.copy();
  const again = await it.reopen();
  again.settle(again.send(at(HERE), "1"));
  const back = await Harness.open({ partitionCount: 2, disk: older, lostEpoch: 1_000 });
  back.settle(back.send(at(HERE), "1"));
  const [lost, fresh] = [again, back].map((each) => each.take("accepted")[0]?.messageId);
  assert.notEqual(lost, fresh);
});

test("at its bound a partition says that it is full, and still takes what functions send", async () => {
  const it = await Harness.open({ partitionCount: 2, limits: { unfinishedMessages: 2 } });
  it.settle(it.send(at(HERE), "1"));
  assert(!it.partition.isFull);
  it.settle(it.send(at(HERE), "2"));
  assert(it.partition.isFull);
  it.settle(batch(1, "m1", "m2"));
  assert.equal(it.partition.ledger.mail, 4);
});

test("a message that another partition owns goes into the outbox for it", async () => {
  const it = await open();
  sendAcross(it, "x");
  const [sent] = it.take("channel");
  assert.deepEqual([sent?.to, sent?.first, sent?.since], [1, 1, 1]);
  assert.equal(sent?.messages[0] && textOf(sent.messages[0].value), "x");
});

test("a key whose call a restore has put elsewhere is answered with the call's id", async () => {
  const first = await Harness.open({ partition: 1, partitionCount: 2 });
  const target = at(idIn(1, 2));
  first.settle(first.call(target, "x", "key"));
  const [once] = first.stored("once");
  assert(once !== undefined);
  const { callId } = decodeOnce(once.value);
  const id = idIn(0, 3);
  const it = await Harness.open({ partition: 0, partitionCount: 3 });
  const moved = { ...decodeOnce(once.value), target: at(id) };
  const [meta] = it.disk.read([keyOf("meta")]);
  assert(meta !== undefined);
  const { epoch } = decodeMeta(meta);
  const write = { key: keyOf("once", target.type, id, "key"), value: encodeOnce(moved) };
  it.disk.apply(
    [write, { key: keyOf("meta"), value: encodeMeta({ ...decodeMeta(meta), epoch: epoch + 1 }) }],
    epoch + 1,
  );
  const again = await it.reopen();
  const call = again.call(at(id), "x", "key");
  again.settle(call);
  const [pending] = again.take("pending");
  assert.deepEqual(pending, { kind: "pending", request: call.request, callId });
  assert.equal(again.partition.calls.waiting, 0);
});
