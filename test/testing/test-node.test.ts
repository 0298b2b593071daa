import assert from "node:assert/strict";
import { test } from "node:test";
import { address, kafka, statefulFunction, types, value } from "@statefold/sdk";
import { type TestNode, type TestNodeOptions, testNode } from "../../src/testing.ts";
import { Add, counter, Later, OUT, ping, pong, sleeper, Transfer } from "./functions.ts";

const HOUR_MS = 3_600_000;
const START = new Date("2026-03-01T12:00:00Z");

function nodeOf(options: Partial<TestNodeOptions> = {}): Promise<TestNode> {
  const functions = [counter, sleeper, ping, pong];
  return testNode({ functions, egresses: [OUT], start: START, ...options });
}

const values = (node: TestNode) => node.records(OUT).map((record) => record.value);

// In and out

test("a message that was sent is handled when the node settles", async () => {
  await using node = await nodeOf();
  const { messageId } = await node.send(counter.at("a"), Add, { by: 2 });
  assert.notEqual(messageId, "");
  await node.settle();
  assert.equal(node.state(counter, "a").count, 2);
});

test("a call gives the reply, read by its type", async () => {
  await using node = await nodeOf();
  assert.equal(await node.call(counter.at("a"), Add, { by: 2 }, types.int), 2);
  assert.equal(await node.call(counter.at("a"), Add, { by: 3 }), 5);
});

test("a reply of another type is an error that names both", async () => {
  await using node = await nodeOf();
  const call = node.call(counter.at("a"), Add, { by: 2 }, types.string);
  await assert.rejects(
    call,
    /demo\/counter "a" replied with a io.statefun.types\/int, not a .*string/,
  );
});

test("functions of different partitions send to each other", async () => {
  await using node = await nodeOf({ partitions: 5 });
  for (const id of "abcdefgh") {
    await node.send(counter.at(id), Transfer, { to: `${id}2`, amount: 5 });
  }
  await node.settle();
  for (const id of "abcdefgh") {
    const counts = [node.state(counter, id).count, node.state(counter, `${id}2`).count];
    assert.deepEqual(counts, [-5, 5]);
  }
  assert.equal(node.ids(counter).length, 16);
  assert.deepEqual(node.ids(counter).slice(0, 2), ["a", "a2"]);
});

test("a type that nobody serves is refused", async () => {
  await using node = await nodeOf();
  const sent = node.send(address("demo/nobody", "a"), Add, { by: 1 });
  await assert.rejects(sent, { code: "TYPE_UNKNOWN" });
});

test("the same key to the same address counts once, with the same reply", async () => {
  await using node = await nodeOf();
  for (const by of [1, 10]) {
    assert.equal(await node.call(counter.at("a"), Add, { by }, types.int, { key: "k" }), 1);
  }
  assert.equal(node.state(counter, "a").count, 1);
});

test("records that left are shown whole, and read with the type asked for", async () => {
  await using node = await nodeOf();
  const { messageId } = await node.send(counter.at("a"), Add, { by: 2 });
  await node.settle();
  assert.deepEqual(node.records(OUT), [
    {
      ...{ egress: OUT, topic: "counts", key: "a", value: "a=2", headers: {} },
      ...{ sender: counter.at("a"), causeId: messageId, atMs: START.getTime() },
    },
  ]);
  assert.deepEqual(node.records(OUT, { topic: "other" }), []);
  const [record] = node.records(OUT, { topic: "counts", type: types.text("demo/Text") });
  assert.equal(record?.value, "a=2");
  assert.throws(
    () => node.records(OUT, { type: types.json("demo/Json") }),
    /a record of demo\/out, topic counts is no demo\/Json: "a=2"/,
  );
  assert.throws(() => node.records("demo/oot"), /no egress demo\/oot here; there are: demo\/out/);
});

test("records of a topic become messages of their targets, by key", async () => {
  await using node = await nodeOf({
    topics: [{ topic: "adds", valueType: Add, targets: [counter] }],
  });
  await node.ingest("adds", { key: "a", value: { by: 1 } });
  await node.ingest("adds", { key: "a", value: '{"by":10}' });
  await node.ingest("adds", { key: "b", value: { by: 100 }, type: Add });
  await node.settle();
  assert.deepEqual([node.state(counter, "a").count, node.state(counter, "b").count], [11, 100]);
});

test("a record that cannot be routed is a dead letter, or stops its topic", async () => {
  const topic = { valueType: Add, targets: [counter] };
  await using node = await nodeOf({
    topics: [
      { topic: "buried", ...topic },
      { topic: "stopping", ...topic, onInvalid: "stop" },
    ],
  });
  await node.ingest("buried", { value: { by: 1 } });
  assert.match(node.dead()[0]?.reason ?? "", /the record has no key/);
  await assert.rejects(node.ingest("stopping", { key: "a" }), /tombstone.*The source stops here/);
  await assert.rejects(node.ingest("adds", {}), /no ingress reads the topic adds; those read are/);
});

// Time

test("time stands still until it is moved, and stops at every timer on its way", async () => {
  await using node = await nodeOf();
  const seen: number[] = [];
  node.onRecord(OUT, {}, () => seen.push(node.now - START.getTime()));
  await node.send(counter.at("b"), Add, { by: 1 }, { delay: "2h" });
  await node.send(counter.at("a"), Add, { by: 1 }, { delay: "1h" });
  await node.settle();
  assert.deepEqual([node.now, seen], [START.getTime(), []]);
  assert.deepEqual(
    node.timers().map(({ dueAtMs, target }) => [dueAtMs - START.getTime(), target.id]),
    [
      [HOUR_MS, "a"],
      [2 * HOUR_MS, "b"],
    ],
  );
  await node.advance("90min");
  assert.deepEqual([node.now, seen], [START.getTime() + 1.5 * HOUR_MS, [HOUR_MS]]);
  await node.advance(new Date("2027-01-01T00:00:00Z"));
  assert.deepEqual(seen, [HOUR_MS, 2 * HOUR_MS]);
  assert.equal(new Date(node.now).toISOString(), "2027-01-01T00:00:00.000Z");
});

test("a state is gone when its time is over", async () => {
  await using node = await nodeOf();
  await node.send(counter.at("a"), types.string, "hello");
  await node.advance(HOUR_MS - 1);
  assert.equal(node.state(counter, "a").note, "hello");
  await node.advance(1);
  assert.deepEqual(node.state(counter, "a"), { count: undefined, note: undefined });
});

test("a call waits in virtual time for as long as it may, and says what it waits for", async () => {
  await using node = await nodeOf();
  const late = node.call(sleeper.at("a"), Later, { ms: 60_000 }, types.string, { within: "59s" });
  await assert.rejects(late, {
    code: "CALL_TIMEOUT",
    message:
      'demo/sleeper "a" has not replied: nothing more happens before 2026-03-01T12:01:00.000Z, when a io.statefun.types/string to demo/sleeper "a" is due. { within } lets time move on',
  });
  assert.equal(node.now, START.getTime() + 59_000);
  const options = { within: "1min" };
  const reply = await node.call(sleeper.at("b"), Later, { ms: 5_000 }, types.string, options);
  assert.deepEqual([reply, node.now], ["awake", START.getTime() + 64_000]);
});

test("a function that does not reply is said to be silent", async () => {
  await using node = await nodeOf();
  const call = node.call(counter.at("a"), types.string, "hello");
  await assert.rejects(call, /demo\/counter "a" has not replied: nothing more will happen/);
});

test("the world around the node acts at its own times", async () => {
  await using node = await nodeOf();
  node.onRecord(OUT, { topic: "counts" }, ({ key = "" }) => {
    if (node.now < START.getTime() + 3 * HOUR_MS) {
      node.after("1h", () => node.send(counter.at(key), Add, { by: 1 }));
    }
  });
  await node.send(counter.at("a"), Add, { by: 1 });
  await node.advance("1d");
  assert.deepEqual(
    node.records(OUT).map(({ value, atMs }) => [value, (atMs - START.getTime()) / HOUR_MS]),
    [
      ["a=1", 0],
      ["a=2", 1],
      ["a=3", 2],
      ["a=4", 3],
    ],
  );
});

test("what the test's own code throws ends the operation that was running", async () => {
  await using node = await nodeOf();
  node.after("1h", () => {
    throw new Error("the provider is on strike");
  });
  node.after("3h", () => node.send(address("demo/nobody", "a"), Add, { by: 1 }));
  await assert.rejects(node.advance("2h"), /the provider is on strike/);
  await assert.rejects(node.advance("2h"), { code: "TYPE_UNKNOWN" });
});

test("what happens around the node may take several operations, one after the other", async () => {
  await using node = await nodeOf();
  const replies: unknown[] = [];
  node.after("1h", async () => {
    for (const by of [1, 2, 3]) replies.push(await node.call(counter.at("a"), Add, { by }));
    await node.send(counter.at("b"), Add, { by: 4 }, { delay: "1h" });
  });
  await node.advance("2h");
  assert.deepEqual(
    [replies, values(node)],
    [
      [1, 3, 6],
      ["a=1", "a=3", "a=6", "b=4"],
    ],
  );
});

test("operations that are asked for at once are done in that order", async () => {
  await using node = await nodeOf();
  const replies = [1, 2, 3].map((by) => node.call(counter.at("a"), Add, { by }, types.int));
  assert.deepEqual(await Promise.all([...replies, node.advance("1h")]), [1, 3, 6, undefined]);
});

// Trouble

test("a function that throws is tried again later, then its address is parked", async () => {
  let isBroken = true;
  const fragile = statefulFunction("demo/fragile", { state: { sum: value(types.int) } }).on(
    types.int,
    (ctx, n) => {
      if (isBroken) throw new RangeError(`no ${n} today`);
      ctx.state.sum = (ctx.state.sum ?? 0) + n;
    },
  );
  await using node = await testNode({
    functions: [fragile],
    retry: { maxAttempts: 2, initial: "10s", max: "10s" },
  });
  await node.send(fragile.at("a"), types.int, 4);
  await node.settle();
  const [failure] = node.failures();
  assert.match(failure?.reason ?? "", /HANDLER_FAILED: demo\/fragile "a".*no 4 today/);
  assert(failure?.error instanceof RangeError);
  assert.deepEqual(
    failure.messages.map((message) => message.value),
    [4],
  );
  assert.deepEqual(node.parked(), []);

  await node.advance("10s");
  const [parked] = node.parked();
  assert.deepEqual(
    [parked?.address, parked?.code, parked?.attempts, parked?.messages[0]?.value],
    [fragile.at("a"), "FUNCTION_FAILED", 2, 4],
  );
  isBroken = false;
  assert.equal(await node.retryParked(fragile.at("a")), true);
  assert.equal(await node.retryParked(fragile.at("a")), false);
  await node.settle();
  assert.equal(node.state(fragile, "a").sum, 4);
});

test("a call of a function that fails says why there is no reply", async () => {
  await using node = await nodeOf();
  const call = node.call(counter.at("a"), types.boolean, true);
  await assert.rejects(call, /"a" has not replied: it failed: MESSAGE_UNHANDLED: .*types\/bool/);
});

test("dead letters hold messages and records, to be sent again or purged", async () => {
  const lost = statefulFunction("demo/lost")
    .on(types.string, (ctx, text) => ctx.send(address("demo/later", "x"), types.string, text))
    .on(types.int, (ctx) => ctx.egress("demo/none", kafka({ topic: "t", value: "v" })))
    .on(types.boolean, (ctx) => ctx.egress(OUT, types.string, "no record"));
  const heard: string[] = [];
  const later = statefulFunction("demo/later").on(types.string, (_, text) => heard.push(text));
  await using node = await testNode({ functions: [lost], egresses: [OUT] });
  await node.send(lost.at("a"), types.string, "hello");
  await node.send(lost.at("a"), types.int, 1);
  await node.send(lost.at("a"), types.boolean, true);
  await node.settle();
  const [message, unknown, wrong] = node.dead();
  assert.deepEqual([message?.code, message?.message?.value], ["TARGET_UNKNOWN", "hello"]);
  assert.deepEqual([unknown?.code, unknown?.record?.value], ["EGRESS_UNKNOWN", "v"]);
  assert.deepEqual([wrong?.code, wrong?.record?.value], ["EGRESS_VALUE_INVALID", "no record"]);

  node.deploy([lost, later]);
  assert.equal(await node.retryDead(message?.id ?? ""), true);
  assert.equal(await node.purgeDead(wrong?.id ?? ""), true);
  assert.equal(await node.purgeDead("9-9"), false);
  await node.settle();
  assert.deepEqual(heard, ["hello"]);
  assert.deepEqual(node.dead(), [unknown]);
});

test("messages that cause each other for ever are cut off, and named", async () => {
  await using node = await nodeOf({ maxSteps: 2_000 });
  await node.send(ping.at("a"), types.string, "hello");
  await assert.rejects(node.settle(), {
    code: "OVERLOADED",
    message:
      /after 2000 steps. Called most often: demo\/p[io]ng\/a \(\d+ times\), demo\/p[io]ng\/a/,
  });
});

test("a crash loses nothing that was accepted, and does nothing twice", async () => {
  await using node = await nodeOf();
  await node.send(counter.at("a"), Add, { by: 1 });
  await node.crash();
  await node.send(counter.at("a"), Transfer, { to: "b", amount: 3 });
  await node.crash();
  await node.settle();
  await node.crash();
  await node.settle();
  assert.deepEqual([node.state(counter, "a").count, node.state(counter, "b").count], [-2, 3]);
  assert.deepEqual(values(node), ["a=1", "b=3"]);
  assert.equal(node.crashCount, 3);
});

test("a question without a key that a crash cuts off is answered UNAVAILABLE", async () => {
  await using node = await nodeOf();
  node.crashIn(1);
  await assert.rejects(node.send(counter.at("a"), Add, { by: 1 }), { code: "UNAVAILABLE" });
  node.crashIn(1);
  await node.send(counter.at("a"), Add, { by: 1 }, { key: "k" });
  await node.settle();
  assert.equal(node.crashCount, 2);
});

test("with crashes at random the outcome is the same", async () => {
  await using node = await nodeOf({ crashes: 0.1 });
  for (let i = 0; i < 10; i++) {
    await node.send(counter.at("a"), Transfer, { to: "b", amount: 1 });
  }
  await node.settle();
  assert.equal(await node.call(counter.at("a"), Add, { by: 0 }, types.int), -10);
  assert.equal(node.state(counter, "b").count, 10);
  assert.deepEqual(values(node).filter((text) => text !== "a=-10").length, 10);
  assert(node.crashCount > 5);
});

test("the same calls with the same seed go the same way", async () => {
  const run = async (seed: number) => {
    await using node = await nodeOf({ seed, crashes: 0.03, partitions: 3 });
    const ids: string[] = [];
    for (const id of "abcabc") {
      const { messageId } = await node.send(counter.at(id), Transfer, { to: "d", amount: 1 });
      ids.push(messageId);
    }
    await node.send(counter.at("a"), types.boolean, true);
    await node.advance("1h");
    return { ids, records: node.records(OUT), crashes: node.crashCount, parked: node.parked() };
  };
  const first = await run(5);
  assert.deepEqual(await run(5), first);
  assert.notDeepEqual(await run(6), first);
});

test("steps can be taken one at a time", async () => {
  await using node = await nodeOf();
  await node.send(counter.at("a"), Add, { by: 1 });
  let steps = 0;
  while (await node.step()) steps++;
  assert(steps > 2);
  assert.deepEqual(values(node), ["a=1"]);
});

// Modules and options

test("a module's egresses, topics and delivery are taken from its file", async () => {
  await using node = await testNode({
    functions: [counter, sleeper],
    module: "test/testing/module.yaml",
    variables: { TOPIC: "adds" },
  });
  await node.ingest("adds", { key: "a", value: { by: 3 } });
  await node.send(counter.at("b"), types.boolean, true);
  await node.settle();
  assert.deepEqual(values(node), ["a=3"]);
  assert.deepEqual([node.dead().length, node.parked().length], [1, 0]);
});

test("a function that no endpoint of the module serves is a mistake", async () => {
  const options = {
    functions: [counter, ping],
    module: "test/testing/module.yaml",
    variables: { TOPIC: "adds" },
  };
  const other = statefulFunction("other/fn");
  await assert.rejects(
    testNode({ ...options, functions: [counter, other] }),
    /no endpoint of the module serves other\/fn/,
  );
  await assert.rejects(testNode({ ...options, variables: {} }), { code: "MODULE_INVALID" });
});

test("options that make no sense are refused", async () => {
  const wrong: [Partial<TestNodeOptions>, RegExp][] = [
    [{ partitions: 0 }, /partitions: 0 is no whole number of at least 1/],
    [{ crashes: 0.5 }, /crashes: 0.5 is not from 0 to 0.1/],
    [{ start: new Date("yesterday") }, /start is no date/],
    [{ retry: { initial: "soon" } }, /retry.initial: "soon" is no duration/],
  ];
  for (const [options, message] of wrong) await assert.rejects(nodeOf(options), message);
});

test("a node that is closed does nothing more", async () => {
  const node = await nodeOf();
  await node.close();
  await node.close();
  await assert.rejects(node.settle(), { code: "UNAVAILABLE" });
  await assert.rejects(node.send(counter.at("a"), Add, { by: 1 }), { code: "UNAVAILABLE" });
});
