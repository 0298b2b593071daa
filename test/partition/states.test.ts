import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeStateEntry } from "../../src/model/persisted-value.ts";
import type { StartedInvocation } from "../../src/partition/ports.ts";
import { decodeState } from "../../src/store/records/state.ts";
import { at, binding, Harness, spec, TYPE, textOf, value } from "./harness.ts";

const SPECS = [
  spec("count"),
  spec("short", { expireMode: "afterWrite", expireAfterMs: 1_000 }),
  spec("warm", { expireMode: "afterInvoke", expireAfterMs: 1_000 }),
];

type Values = Partial<Record<"count" | "short" | "warm", string | undefined>>;

/** The values a request carries, by name; a registered state without a value has none. */
const carried = (started: StartedInvocation | undefined): Values =>
  Object.fromEntries(
    (started?.invocation.state ?? []).map((bytes) => {
      const entry = decodeStateEntry(bytes);
      return [entry.name, entry.value.hasValue ? textOf(entry.value) : undefined];
    }),
  );

/** A function whose states are registered. */
async function declared(options: Parameters<typeof Harness.open>[0] = {}): Promise<Harness> {
  const it = await Harness.open(options);
  it.settle(it.send(at("first"), "first"));
  it.answer({ kind: "incomplete", missing: SPECS });
  it.settle();
  it.reply();
  return it.settle();
}

/** Handles one message of an address, which sets these states; returns what its request carried. */
function set(it: Harness, id: string, states: Values) {
  it.settle(it.send(at(id), "set"));
  const mutations = Object.entries(states).map(([name, text]) => ({
    ...{ name, value: text === undefined ? undefined : value(text) },
  }));
  const seen = carried(it.reply({ mutations }, id));
  it.settle();
  return seen;
}

const expiryEntries = (it: Harness) => it.stored("expiry").length;

test("what a function sets is what its next request carries, from memory and from the disk", async () => {
  const it = await declared();
  set(it, "a", { count: "1" });
  assert.deepEqual(set(it, "a", { count: "2" }), { count: "1", short: undefined, warm: undefined });
  const next = await it.reopen();
  assert.deepEqual(set(next, "a", {}), { count: "2", short: undefined, warm: undefined });
});

test("a state that is deleted leaves the store with the last of its address", async () => {
  const it = await declared();
  set(it, "a", { count: "1" });
  assert.equal(it.stored("state").length, 1);
  set(it, "a", { count: undefined });
  assert.equal(it.stored("state").length, 0);
});

test("an expired state is not sent, however late the sweep", async () => {
  const it = await declared();
  set(it, "a", { count: "1", short: "x" });
  it.nowMs += 999;
  assert.equal(set(it, "a", {}).short, "x");
  it.nowMs += 1;
  assert.equal(set(it, "a", {}).short, undefined);
});

test("a state that lives by use lives on with every invocation", async () => {
  const it = await declared();
  set(it, "a", { warm: "x" });
  for (let i = 0; i < 5; i++) {
    it.nowMs += 900;
    assert.equal(set(it, "a", {}).warm, "x");
  }
  it.nowMs += 1_000;
  assert.equal(set(it, "a", {}).warm, undefined);
});

test("the sweep removes what has expired from the store, and keeps the rest", async () => {
  const it = await declared();
  set(it, "a", { count: "1", short: "x" });
  set(it, "b", { short: "x" });
  assert.equal(expiryEntries(it), 2);
  it.pass(30_000);
  assert.deepEqual(
    it.stored("state").map((entry) => [...decodeState(entry.value).entries.keys()]),
    [["count"]],
  );
  assert.equal(expiryEntries(it), 0);
});

test("a state that was refreshed is entered anew when its time comes", async () => {
  const it = await declared();
  set(it, "a", { warm: "x" });
  for (let i = 0; i < 25; i++) {
    it.pass(900);
    set(it, "a", {});
  }
  assert.equal(expiryEntries(it), 1);
  it.pass(30_000);
  assert.deepEqual([it.stored("state").length, expiryEntries(it)], [0, 0]);
});

test("a crash between the sweep's look and its removals loses no entry of the index", async () => {
  const it = await declared({ limits: { stateCacheBytes: 0 } });
  set(it, "a", { short: "x" });
  set(it, "b", {}); // a is out of memory
  it.nowMs += 11_000;
  it.turn();
  it.answerRead(); // the index was read; the state is being read
  if (it.commit !== undefined) it.completeCommit();
  const next = await it.reopen();
  next.nowMs = it.nowMs;
  next.pass(30_000);
  assert.deepEqual([next.stored("state").length, expiryEntries(next)], [0, 0]);
});

test("a read that took long does not bring back what was changed and dropped from memory meanwhile", async () => {
  const it = await declared({ limits: { stateCacheBytes: 0 } });
  set(it, "a", { count: "1", short: "x" });
  set(it, "b", {}); // a is out of memory
  it.nowMs += 11_000;
  it.turn(it.send(at("a"), "set")); // wants a, and what has expired
  it.answerRead(); // a is invoked; the sweep wants it too
  const early = it.read === undefined ? undefined : it.look();
  it.reply({ mutations: [{ name: "count", value: value("2") }] }, "a");
  while (it.commit !== undefined) it.completeCommit();
  it.turn(it.send(at("b"), "another commit"));
  it.completeCommit();
  if (early !== undefined) it.answerRead(early);
  it.settle();
  assert.equal(set(it, "a", {}).count, "2");
});

test("what is in use or not durable yet is passed over, and the rest still leaves memory", async () => {
  const it = await declared({
    functions: { [TYPE]: binding(), "test/slow": binding() },
    limits: { stateCacheBytes: 20_000 },
  });
  const slow = Array.from({ length: 40 }, (_, i) => it.send(at(`slow-${i}`, "test/slow"), "x"));
  it.settle(...slow); // forty that do not answer
  for (let i = 0; i < 500; i++) {
    it.settle(it.send(at(`quick-${i}`), "x"));
    it.reply({}, `quick-${i}`);
  }
  it.settle();
  assert(it.partition.states.bytes < 60_000, `${it.partition.states.bytes} bytes are in memory`);
});

test("an answer may replace a state by one as large as the bound", async () => {
  const it = await declared({ limits: { stateBytes: 10_000 } });
  set(it, "a", { count: "x".repeat(8_000) });
  set(it, "a", { count: "y".repeat(8_000) });
  assert.equal(set(it, "a", {}).count?.[0], "y");
  assert.equal(it.partition.delivery.counts.failed, 0);
});

test("an answer that would exceed the bound of an address's states has failed", async () => {
  const it = await declared({ limits: { stateBytes: 10_000 } });
  set(it, "a", { count: "x".repeat(8_000) });
  set(it, "a", { short: "y".repeat(8_000) });
  assert.equal(it.partition.delivery.counts.failed, 1);
});

test("of functions that have declared no states nothing is read, and nothing is kept", async () => {
  const it = await Harness.open();
  const { invocations } = it.turn(it.send(at("a"), "hello"));
  assert.deepEqual([invocations.length, it.read], [1, undefined]);
  it.reply();
  it.settle();
  assert.equal(it.partition.states.bytes, 0);
});

test("what a function sets is kept, though it was called before its type declared states", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "first"), it.send(at("b"), "first"));
  it.answer({ kind: "incomplete", missing: SPECS }, "b");
  it.reply({ mutations: [{ name: "count", value: value("1") }] }, "a");
  it.settle();
  assert.equal(it.stored("state").length, 1);
  assert.equal(set(it, "a", { count: "2" }).count, "1");
  const next = await it.reopen();
  assert.equal(set(next, "a", {}).count, "2");
});
