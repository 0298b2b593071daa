import assert from "node:assert/strict";
import { test } from "node:test";
import { address, kafka, statefulFunction, types, value } from "@statefold/sdk";
import { testNode } from "../../src/testing.ts";
import { Add, counter, nodeOf, OUT, ping, START, Transfer, values } from "./functions.ts";

const HOUR_MS = 3_600_000;

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

test("messages that multiply within one address are cut off too", async () => {
  let handled = 0;
  const doubler = statefulFunction("demo/doubler").on(types.string, (ctx, text) => {
    handled++;
    for (let i = 0; i < 2; i++) ctx.send(ctx.self, types.string, text);
  });
  await using node = await testNode({ functions: [doubler], maxSteps: 2_000 });
  await node.send(doubler.at("a"), types.string, "hello");
  await assert.rejects(node.settle(), { code: "OVERLOADED" });
  await assert.rejects(node.settle(), { code: "OVERLOADED" }, "and it stays so");
  assert(handled < 4_000, `${handled} messages`);
});

test("a timer does not wait for a retry that comes later, nor a retry for a timer", async () => {
  const retry = { maxAttempts: 2, initial: "1h", max: "1h" };
  await using node = await nodeOf({ partitions: 1, retry });
  await node.send(counter.at("a"), types.boolean, true);
  await node.send(counter.at("b"), Add, { by: 1 }, { delay: "1min" });
  await node.send(counter.at("b"), Add, { by: 1 }, { delay: "2h" });
  await node.advance("1d");
  assert.deepEqual(
    node.records(OUT).map(({ atMs }) => atMs - START.getTime()),
    [60_000, 2 * HOUR_MS],
  );
  const afterMs = (node.parked()[0]?.sinceMs ?? 0) - START.getTime();
  assert(afterMs >= HOUR_MS / 2 && afterMs <= HOUR_MS, `after ${afterMs} ms`);
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
