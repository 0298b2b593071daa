import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../../src/base/errors.ts";
import { DEFAULT_LIMITS } from "../../../src/partition/limits.ts";
import { until } from "../../support/until.ts";
import { batch, openAcross, VALUE } from "../seat-world.ts";

test("a batch that was read for an earlier life is not taken by the next", async (t) => {
  const world = await openAcross(t);
  // Never made durable: for the next life the source was never read, and what comes first would be its beginning.
  world.disk.refuses = (_, writes) => writes.length > 1;
  await world.seat.take(batch("s/0", 0, 3));
  let late: Promise<void> | undefined;
  world.onOpenedThere = () => {
    // The main thread has not heard of it, and its source hands over what it had read ahead.
    late ??= assert.rejects(world.seat.take(batch("s/0", 3, 3)), { code: "UNAVAILABLE" });
  };
  await until("it to be open anew", () => world.opened === 2);
  world.disk.refuses = () => false;
  assert(late !== undefined);
  await late;
  assert.equal(await world.seat.look("position", { source: "s/0" }), undefined);
});

test("a batch that waited for room does not pass to a life that it was not read for", async (t) => {
  const world = await openAcross(t);
  world.held = "no room";
  const waiting = world.seat.take(batch("s/0", 3, 3));
  const rejected = assert.rejects(waiting, { code: "UNAVAILABLE" });
  world.held = undefined;
  const failing = world.fail();
  world.held = "no room";
  await failing;
  await until("it to be open anew", () => world.opened === 2);
  world.held = undefined;
  world.seat.offerSources();
  await rejected;
});

test("with MAX_BYTES before a thread requests are refused, until it has come to them", async (t) => {
  const world = await openAcross(t, DEFAULT_LIMITS, 100_000);
  const value = { ...VALUE, value: Buffer.alloc(60_000) };
  const asked = [world.ask("a", value), world.ask("b", value)].map(({ answer }) => answer);
  await new Promise(setImmediate);
  assert.throws(() => world.ask("c", value), {
    ...{ code: "OVERLOADED", message: /partition 0 has 12\d{4} bytes before it/ },
  });
  let isTaken = false;
  const taking = world.seat.take(batch("s/0", 0, 1)).then(() => {
    isTaken = true;
  });
  assert.equal(isTaken, false);
  await Promise.all(asked);
  await taking;
  await world.ask("c", value).answer;
});

test("who waits for a thread that is gone hears so", async (t) => {
  const world = await openAcross(t);
  world.held = "no room";
  const waiting = world.seat.take(batch("s/0", 0, 1));
  world.held = undefined;
  const asked = world.ask("a").answer;
  world.end(new StatefoldError("THREAD_ENDED", "thread 0 is gone"));
  const gone = { code: "THREAD_ENDED" };
  await assert.rejects(asked, gone);
  await assert.rejects(waiting, gone);
  assert.throws(() => world.ask("b"), gone);
  await assert.rejects(world.seat.look("work", {}), gone);
  assert.deepEqual([world.seat.phase, world.seat.figure("accepted")], ["failed", 0]);
});
