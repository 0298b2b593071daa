import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { atEnd } from "./cleanup.ts";
import { createRng } from "./rng.ts";
import { tempDir } from "./temp.ts";
import { until, untilEvent, within } from "./until.ts";

test("what was registered last is cleaned up first, whatever fails", async (t) => {
  const order: string[] = [];
  const inner = new EventEmitter();
  const after: (() => Promise<void>)[] = [];
  // A context of our own: a failing cleanup would fail this test.
  const context = Object.assign(inner, { after: (end: () => Promise<void>) => after.push(end) });
  atEnd(context as unknown as typeof t, () => order.push("first"));
  atEnd(context as unknown as typeof t, () => {
    throw new Error("in between");
  });
  atEnd(context as unknown as typeof t, () => order.push("last"));
  assert.equal(after.length, 1);
  await assert.rejects(async () => after[0]?.(), /in between/);
  assert.deepEqual(order, ["last", "first"]);
});

test("a temporary folder is gone when the test is over", async (t) => {
  const paths: string[] = [];
  await t.test("the inner test", (inner) => {
    const path = tempDir(inner);
    writeFileSync(join(path, "file"), "text");
    paths.push(path);
  });
  assert.equal(existsSync(paths[0] ?? ""), false);
});

test("the same seed draws the same, another seed something else", () => {
  const draw = (seed: number): number[] => Array.from({ length: 20 }, createRng(seed).random);
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1), draw(2));
  const rng = createRng(7);
  // Written down once: a seed that was reported must mean the same for ever.
  assert.deepEqual([rng.int(1000), rng.int(1000), rng.int(1000)], [49, 165, 929]);
});

test("draws are spread evenly and stay in their range", () => {
  const rng = createRng(3);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const drawn = rng.int(10);
    counts[drawn] = (counts[drawn] ?? 0) + 1;
  }
  assert(
    counts.every((count) => count > 850 && count < 1150),
    `${counts}`,
  );
  assert.deepEqual(rng.shuffle([1, 2, 3, 4]).sort(), [1, 2, 3, 4]);
  assert.equal(rng.bytes(5).byteLength, 5);
  assert.throws(() => rng.pick([]), RangeError);
});

test("a forked generator goes its own way", () => {
  const one = createRng(5);
  const other = createRng(5);
  const fork = one.fork();
  other.fork();
  fork.random();
  assert.equal(one.random(), other.random());
});

test("until returns the first answer that is not empty", async () => {
  let asked = 0;
  const answer = await until("three", () => {
    asked++;
    if (asked === 1) throw new Error("not yet");
    return asked === 3 ? "three" : undefined;
  });
  assert.equal(answer, "three");
});

test("until says what it waited for, and the last answer", async () => {
  const options = { timeoutMs: 20 };
  await assert.rejects(
    until("the sun", () => false, options),
    /waited 20 ms for the sun; the last answer was false/,
  );
  const fail = (): never => {
    throw new Error("clouds");
  };
  await assert.rejects(until("the sun", fail, options), /last try failed: clouds/);
  await assert.rejects(
    until("the sun", () => new Promise(() => {}), options),
    /waited 20 ms for the sun/,
  );
});

test("within lets a promise through, or ends the wait for it", async () => {
  assert.equal(await within("one", Promise.resolve(1)), 1);
  await assert.rejects(
    within("ever", new Promise(() => {}), { timeoutMs: 5 }),
    /waited 5 ms for ever/,
  );
});

test("untilEvent takes the next event, an error, or its deadline", async () => {
  const emitter = new EventEmitter();
  const seen = untilEvent("news", emitter, "news");
  emitter.emit("news", 1, 2);
  assert.deepEqual(await seen, [1, 2]);
  const failing = untilEvent("news", emitter, "news");
  emitter.emit("error", new Error("no news"));
  await assert.rejects(failing, /no news/);
  await assert.rejects(untilEvent("news", emitter, "news", { timeoutMs: 5 }), /waited 5 ms/);
  assert.equal(emitter.listenerCount("news") + emitter.listenerCount("error"), 0);
});
