import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMeta } from "../../src/store/records/meta.ts";
import { at, binding, Harness, spec, TYPE, value } from "./harness.ts";

const bytesOf = (it: Harness): number =>
  (it.commit?.writes ?? []).reduce(
    (sum, { key, value: written }) => sum + key.byteLength + (written?.byteLength ?? 0),
    0,
  );

const metaOf = (it: Harness) => decodeMeta(it.stored("meta")[0]?.value ?? new Uint8Array());

test("nothing is handled before the session is durable, and what came meanwhile is not lost", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  const next = await it.reopen();
  const session = (each: Harness) => metaOf(each).session;
  assert.equal(session(next), 2);
  assert.equal(next.started.length, 1);
});

test("the same inputs at the same times give the same outputs", async () => {
  const run = async () => {
    const it = await Harness.open();
    const call = it.call(at("a"), "1", "k");
    it.settle(call, it.send(at("b"), "2", { delayMs: 50 }));
    it.reply({ messages: [{ target: at("c"), value: value("3") }] });
    it.pass(100);
    while (it.started.length > 0) it.reply();
    it.settle();
    return JSON.stringify([it.released, it.stored("state"), it.stored("meta")]);
  };
  assert.equal(await run(), await run());
});

test("under load the next commit starts when the running one ends, with all that came meanwhile", async () => {
  const it = await Harness.open();
  it.turn(it.send(at("a"), "1"));
  const first = it.commit?.epoch ?? 0;
  for (const text of ["2", "3", "4"]) it.turn(it.send(at(text), text));
  assert.equal(it.commit?.epoch, first);
  it.completeCommit();
  assert.equal(it.commit?.epoch, first + 1);
  assert.equal(it.writes("mail").length, 3);
});

test("changes that nobody waits for linger, for others to share their commit", async () => {
  const it = await Harness.open({ limits: { commitLingerMs: 10 } });
  it.settle(it.send(at("a"), "1"));
  it.reply();
  assert.equal(it.commit, undefined);
  assert.equal(it.wakeAtMs, it.nowMs + 10);
  it.nowMs += 10;
  it.turn();
  assert(it.commit !== undefined);
});

test("a clock that goes back does not make them linger longer", async () => {
  const it = await Harness.open({ limits: { commitLingerMs: 10 } });
  it.settle(it.send(at("a"), "1"));
  it.reply();
  it.nowMs -= 100_000;
  it.turn();
  assert(it.commit !== undefined);
});

test("an epoch that is heavy takes no more outcomes, and none is lost or passes another", async () => {
  const it = await Harness.open({ limits: { epochBytes: 10_000 } });
  it.settle(it.send(at("first"), "x"));
  it.answer({ kind: "incomplete", missing: [spec("s")] });
  it.settle();
  it.reply();
  it.settle(...Array.from({ length: 20 }, (_, i) => it.send(at(`${i}`), "x")));
  it.turn(it.send(at("z"), "hold the commit"));
  const started = it.started.splice(0);
  const mutations = [{ name: "s", value: value("y".repeat(5_000)) }];
  const none = { messages: [], delayed: [], egress: [] };
  const outcome = { kind: "reply", effects: { ...none, mutations } } as const;
  it.turn(...started.map(({ ticket }) => ({ kind: "outcome", ticket, outcome }) as const));
  let commits = 0;
  while (it.commit !== undefined) {
    assert(bytesOf(it) < 20_000, `one commit has ${bytesOf(it)} bytes`);
    it.completeCommit();
    commits++;
    if (it.wakeAtMs === it.nowMs) it.turn();
  }
  it.settle();
  assert(commits >= 10, `${commits} commits`);
  assert.equal(it.stored("state").length, 20);
});

test("what waits for an epoch with room is taken in the order it came", async () => {
  const it = await Harness.open({ limits: { epochBytes: 1_000 } });
  it.turn(it.send(at("z"), "hold the commit"));
  const texts = Array.from({ length: 30 }, (_, i) => `${i}`);
  it.turn(...texts.map((text) => it.send(at("a"), text)));
  it.settle();
  const order: string[] = [];
  while (it.batch !== undefined) {
    if (it.started[0]?.invocation.target.id === "a") order.push(...it.batch);
    it.reply();
    it.settle();
  }
  assert.deepEqual(order, texts);
});

test("requests that wait for an epoch with room count against the bound of unfinished work", async () => {
  const it = await Harness.open({ limits: { epochBytes: 1_000, unfinishedMessages: 20 } });
  it.turn(it.send(at("z"), "hold the commit"));
  it.turn(...Array.from({ length: 30 }, (_, i) => it.send(at(`${i}`), "x")));
  assert(it.partition.unfinished < 20);
  assert(it.partition.isFull);
  it.settle();
  assert.equal(it.take("accepted").length, 31);
});

test("an address whose values expire is not called into an epoch that is heavy", async () => {
  const it = await Harness.open({ limits: { epochBytes: 10_000 } });
  const warm = spec("s", { expireMode: "afterInvoke", expireAfterMs: 1_000_000 });
  const ids = Array.from({ length: 12 }, (_, i) => `${i}`);
  it.settle(it.send(at("first"), "x"));
  it.answer({ kind: "incomplete", missing: [warm] });
  it.settle();
  it.reply();
  for (const id of ids) {
    it.settle(it.send(at(id), "x"));
    it.reply({ mutations: [{ name: "s", value: value("y".repeat(5_000)) }] });
    it.settle();
  }
  it.nowMs += 1_000;
  it.turn(it.send(at("z"), "hold the commit"));
  it.turn(...ids.map((id) => it.send(at(id), "again")));
  while (it.commit !== undefined) {
    assert(bytesOf(it) < 25_000, `one commit has ${bytesOf(it)} bytes`);
    it.completeCommit();
  }
  it.settle();
  assert.equal(it.started.length, 13);
});

test("the books of every commit add up", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"), it.send(at("b"), "2", { delayMs: 5_000 }));
  it.reply({ messages: [{ target: at("x", "test/nobody"), value: value("?") }] });
  it.settle();
  const { accepted, finished, mail, timers, outbox, dead } = metaOf(it);
  assert.deepEqual(
    { accepted, finished, mail, timers, outbox, dead },
    { accepted: 3, finished: 1, mail: 0, timers: 1, outbox: 0, dead: 1 },
  );
});

test("a type whose work piles up fills its share of the bound, and others find theirs", async () => {
  const other = "test/other";
  const functions = { [TYPE]: binding(), [other]: binding() };
  const it = await Harness.open({ functions, limits: { unfinishedMessages: 20 } });
  let taken = 0;
  while (it.partition.hasRoomFor(TYPE)) it.turn(it.send(at(`a${taken++}`), "x"));
  assert.deepEqual([taken, it.partition.isFull], [18, false]);
  assert(it.partition.hasRoomFor(other));
  it.settle();
  assert(!it.partition.hasRoomFor(TYPE));
  it.reply({});
  it.settle();
  assert(it.partition.hasRoomFor(TYPE));
});
