import assert from "node:assert/strict";
import { test } from "node:test";
import { address, statefulFunction, types } from "@statefold/sdk";
import { type TestNodeOptions, testNode } from "../../src/testing.ts";
import {
  Add,
  counter,
  Later,
  nodeOf,
  OUT,
  ping,
  START,
  sleeper,
  Transfer,
  values,
} from "./functions.ts";

const HOUR_MS = 3_600_000;
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

test("who still waits when a node is closed is told so", async () => {
  const node = await nodeOf();
  const call = node.call(counter.at("a"), Add, { by: 1 }, types.int, { key: "k" });
  await Promise.all([assert.rejects(call, /closed before it answered/), node.close()]);
});

test("a node that is closed does nothing more", async () => {
  const node = await nodeOf();
  await node.close();
  await node.close();
  await assert.rejects(node.settle(), { code: "UNAVAILABLE" });
  assert.throws(() => node.crashIn(1), { code: "UNAVAILABLE" });
  await assert.rejects(node.send(counter.at("a"), Add, { by: 1 }), { code: "UNAVAILABLE" });
});
