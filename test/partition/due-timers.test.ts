import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, addressKey } from "../../src/model/address.ts";
import type { DelayedEffect } from "../../src/model/invocation.ts";
import type { Message } from "../../src/model/message.ts";
import { type Due, DueTimers, type Room } from "../../src/partition/due-timers.ts";
import type { PartitionLimits } from "../../src/partition/limits.ts";
import { at, binding, Harness, TYPE, value } from "./harness.ts";

const OTHER = "test/other";

interface Fake extends Due {
  readonly name: string;
}

function fake(name: string, id: string, type = "test/fn"): Fake {
  const message: Message = {
    target: { type, id },
    value: value(name),
    caller: undefined,
    id: name,
    causeId: undefined,
    acceptedAtMs: 0,
    traceparent: undefined,
    headers: [],
    recordAtMs: undefined,
  };
  return { name, record: { message } };
}

class FakeRoom implements Room {
  readonly full = new Set<string>();
  readonly busy = new Set<string>();
  inLine = new Set<string>();
  waits = () => true;
  places = (type: string) => (this.full.has(type) ? 0 : 2);
  isInLine = (key: string) => this.inLine.has(key);
  isServed = (key: string) => this.busy.has(key);
}

function released(line: DueTimers<Fake>, room: Room, most = 100): string[] {
  const names: string[] = [];
  line.release(room, most, (timer) => names.push(timer.name) > 0);
  return names;
}

test("the timers of one address leave together, the address that waited longest first", () => {
  const line = new DueTimers<Fake>();
  for (const [name, id] of ["1a", "2b", "3a", "4c", "5b"].map((text) => [text, text.slice(1)])) {
    line.add(fake(name ?? "", id ?? ""));
  }
  const room = new FakeRoom();
  assert.deepEqual(released(line, room, 4), ["1a", "3a", "2b", "5b"]);
  assert.deepEqual(released(line, room), ["4c"]);
  assert.equal(line.count, 0);
});

test("a type without room, and an address that is being served, hold up nobody else", () => {
  const line = new DueTimers<Fake>();
  const room = new FakeRoom();
  room.full.add("test/slow");
  room.busy.add(addressKey({ type: "test/fn", id: "b" }));
  line.add(fake("slow", "s", "test/slow"));
  line.add(fake("busy", "b"));
  line.add(fake("free", "f"));
  assert(line.hasRoom(room));
  assert.deepEqual(released(line, room), ["free"]);
  assert(!line.hasRoom(room));
  room.busy.clear();
  assert.deepEqual(released(line, room), ["busy"]);
  room.full.clear();
  assert.deepEqual(released(line, room), ["slow"]);
});

test("so many addresses are in line at any time, and another when one of them is called", () => {
  const line = new DueTimers<Fake>();
  for (const id of ["a", "b", "c", "d"]) line.add(fake(id, id));
  const room = new FakeRoom();
  const key = (id: string) => addressKey({ type: "test/fn", id });
  room.inLine = new Set(["a", "b", "c", "d"].map(key));
  assert.deepEqual(released(line, room), ["a", "b"]);
  assert(!line.hasRoom(room));
  room.inLine.delete(key("a"));
  assert(line.hasRoom(room));
  assert.deepEqual(released(line, room), ["c"]);
});

test("the longest line gives way first, in its order", () => {
  const line = new DueTimers<Fake>();
  line.add(fake("other", "o", "test/other"));
  for (const name of ["1", "2", "3"]) line.add(fake(name, "s", "test/slow"));
  const names: string[] = [];
  line.spill(2, (timer) => names.push(timer.name) > 0);
  assert.deepEqual(names, ["1", "2"]);
  assert.equal(line.count, 2);
});

test("a timer stops where the epoch has no room, and keeps its place", () => {
  const line = new DueTimers<Fake>();
  for (const name of ["1", "2", "3"]) line.add(fake(name, "a"));
  const names: string[] = [];
  line.release(new FakeRoom(), 10, (timer) => names.length < 2 && names.push(timer.name) > 0);
  assert.deepEqual(names, ["1", "2"]);
  assert.deepEqual(released(line, new FakeRoom()), ["3"]);
});

const later = (target: Address, text: string, delayMs: number): DelayedEffect => ({
  ...{ kind: "send", target, value: value(text), delayMs, token: "" },
});

/** An address has scheduled these; functions are called one at a time. */
async function scheduled(
  delayed: readonly DelayedEffect[],
  limits: Partial<PartitionLimits> = {},
): Promise<Harness> {
  const functions = { [TYPE]: binding({ concurrency: 1 }), [OTHER]: binding({ concurrency: 1 }) };
  const it = await Harness.open({ functions, limits });
  it.settle(it.send(at("a"), "schedule"));
  it.reply({ delayed });
  return it.settle();
}

test("what is due stays a timer until it may stand in line, and is one batch then", async () => {
  const texts = ["a 1", "b 2", "c 3", "c 4"];
  const it = await scheduled(texts.map((text) => later(at(text[0] ?? ""), text, 10)));
  it.pass(10);
  assert.deepEqual(it.batch, ["a 1"]); // and b is in line
  assert.equal(it.partition.ledger.timers, 2);
  assert.deepEqual([it.stored("timer").length, it.stored("mail").length], [2, 2]);
  it.reply();
  it.settle();
  assert.deepEqual(it.batch, ["b 2"]);
  it.reply();
  it.settle();
  assert.deepEqual(it.batch, ["c 3", "c 4"]);
  it.reply();
  it.settle();
  assert.deepEqual([it.stored("timer").length, it.stored("mail").length], [0, 0]);
});

test("many that are due at once fill the partition for nobody", async () => {
  const burst = Array.from({ length: 50 }, (_, i) => later(at(`${i}`), "due", 10));
  const it = await scheduled(burst, { unfinishedMessages: 10 });
  it.pass(10);
  assert.equal(it.partition.isFull, false);
  assert.equal(it.partition.ledger.timers, 48);
});

test("what waits for its place can still be cancelled, and survives a crash", async () => {
  const delayed = [
    ...[later(at("a"), "first", 10), later(at("b"), "second", 10)],
    { ...later(at("c"), "third", 10), token: "t" },
  ];
  const it = await scheduled(delayed);
  it.pass(10);
  assert.equal(it.partition.ledger.timers, 1);
  const next = await it.reopen();
  next.settle();
  assert.deepEqual(next.batch, ["first"]);
  next.reply({ delayed: [{ kind: "cancel", token: "t" }] });
  next.settle();
  assert.deepEqual(next.batch, ["second"]);
  next.reply();
  next.settle();
  assert.equal(next.batch, undefined);
  assert.deepEqual([next.partition.ledger.timers, next.stored("timer").length], [0, 0]);
});

test("whoever comes all the time keeps no timer from its place in line", async () => {
  const it = await scheduled([later(at("timed"), "due", 10)]);
  for (let i = 0; i < 10; i++) it.settle(it.send(at(`${i}`), "again"));
  it.pass(10);
  for (let i = 10; it.batch?.[0] !== "due"; i++) {
    assert(i < 40, "it never has its turn");
    it.settle(it.send(at(`${i}`), "again"));
    it.reply();
    it.settle();
  }
});

test("a function that has no room hides nobody else's timers", async () => {
  const hanging = Array.from({ length: 100 }, (_, i) => later(at(`${i}`), "hangs", 10));
  const it = await scheduled([...hanging, later(at("b", OTHER), "due", 20)], { timersInMemory: 5 });
  it.pass(10);
  it.started.length = 0; // it never answers
  it.pass(2_000);
  assert.deepEqual(it.batch, ["due"]);
  assert(it.partition.timers.inMemory <= 10);
});

test("timers that wait for room let those be read in time that come later", async () => {
  const hanging = Array.from({ length: 6 }, (_, i) => later(at(`${i}`), "hangs", 10));
  const others = Array.from({ length: 6 }, (_, i) => later(at("b", OTHER), `due ${i}`, 5_000));
  const it = await scheduled([...hanging, ...others], { timersInMemory: 5 });
  it.pass(10);
  it.started.length = 0; // it never answers
  it.pass(4_989);
  assert.equal(it.batch, undefined);
  it.pass(100);
  assert.equal(it.batch?.[0], "due 0");
});

test("what waits is not read a second time when the horizon moves before it", async () => {
  const it = await scheduled([later(at("a"), "first", 10), later(at("a"), "waits", 100)], {
    timersInMemory: 2,
  });
  it.pass(10);
  it.pass(90);
  it.nowMs -= 100;
  it.settle(it.send(at("b", OTHER), "schedule"));
  const others = Array.from({ length: 6 }, (_, i) => later(at(`${i}`, OTHER), "due", 40 + i));
  it.reply({ delayed: others }, "b");
  it.settle();
  it.pass(60);
  for (let i = 0; i < 6; i++) {
    it.reply({}, `${i}`);
    it.settle();
  }
  const batches: string[] = [];
  it.reply({}, "a");
  it.settle();
  for (; it.batch !== undefined; it.settle()) {
    batches.push(...it.batch);
    it.reply();
  }
  it.pass(200);
  assert.equal(it.batch, undefined);
  assert.equal(batches.filter((text) => text === "waits").length, 1);
  assert.equal(it.partition.ledger.timers, 0);
});
