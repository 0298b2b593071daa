/** What every seat of a partition must do, wherever the partition sits: run on each. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { StatefoldError } from "../../src/base/errors.ts";
import { asked } from "../../src/node/asked.ts";
import { DEFAULT_LIMITS, type PartitionLimits } from "../../src/partition/limits.ts";
import { keyOf } from "../../src/store/keys.ts";
import { decodeMeta } from "../../src/store/records/meta.ts";
import { batch, DONE, RECORD, type SeatWorld, TYPE, VALUE } from "../node/seat-world.ts";
import { until } from "../support/until.ts";

export type OpenWorld = (t: TestContext, limits?: PartitionLimits) => Promise<SeatWorld>;

const unavailable = { code: "UNAVAILABLE" };

/** @param where it sits, for the titles */
export function seatContract(where: string, open: OpenWorld): void {
  const seatTest = (title: string, run: (t: TestContext) => Promise<void>): void => {
    test(`${where}: ${title}`, run);
  };

  seatTest("a message is acknowledged when it is durable, and delivered whole", async (t) => {
    const world = await open(t);
    const pool = Buffer.from("before the value after");
    const value = { ...VALUE, value: pool.subarray(7, 16) };
    const answer = await world.ask("a", value).answer;
    assert.equal(answer.kind, "accepted");
    assert(world.disk.commits > 1, "its session was durable before");
    const { invocation, answer: call } = await world.called();
    assert.equal(Buffer.from(invocation.messages[0]?.value.value ?? []).toString(), "the value");
    assert.equal(pool.toString(), "before the value after", "nothing was taken from its owner");
    call.resolve(DONE);
    await until("it to be done", () => world.seat.figure("finished") === 1);
    assert.equal(world.seat.phase, "running");
  });

  seatTest(
    "what was asked while it went down is UNAVAILABLE, and nothing is forgotten",
    async (t) => {
      const world = await open(t);
      await world.send("kept");
      await world.called();
      const opening = deferred<void>();
      world.disk.opens = () => opening.promise;
      world.disk.refuses = () => true;
      const asked = ["a", "b"].map((id) => world.ask(id).answer);
      for (const answer of asked) await assert.rejects(answer, unavailable);
      assert.equal(world.seat.phase, "loading");
      assert.equal(world.seat.figure("accepted"), 0);
      await assert.rejects(async () => world.ask("c").answer, unavailable);
      await assert.rejects(world.seat.take(batch("s/0", 0, 1)), unavailable);
      await assert.rejects(world.seat.look("position", { source: "s/0" }), unavailable);
      world.disk.refuses = () => false;
      opening.resolve();
      await world.reopened(2);
      // What was asked was called for, and those calls went with the memory that made them.
      let called = await world.called();
      while (called.invocation.target.id !== "kept") called = await world.called();
      assert.equal(world.waiting, 0);
    },
  );

  seatTest("one that cannot go on says why, once", async (t) => {
    const world = await open(t);
    world.disk.refuses = () => true;
    world.disk.isGone = () => true;
    await assert.rejects(world.send("b"), unavailable);
    const error = await world.ended.promise;
    assert(error instanceof StatefoldError);
    assert.match(world.reasonOf(error), /^partition 0 cannot go on: the disk is gone$/);
    await until("it to have failed", () => world.seat.phase === "failed");
  });

  seatTest("a call that is left is answered as its caller wishes", async (t) => {
    const world = await open(t);
    const left = world.call("a");
    const keeping = world.call("b");
    await world.called();
    await world.called();
    world.seat.hangUp(left.request, false);
    world.seat.hangUp(left.request, false);
    const pending = { kind: "pending", request: left.request, callId: "" };
    assert.deepEqual(await left.answer, pending);
    world.seat.hangUp(keeping.request, true);
    const kept = await keeping.answer;
    assert(kept.kind === "pending" && kept.callId !== "");
    assert.equal(kept.request, keeping.request);
    assert.equal(world.waiting, 0);
  });

  seatTest("beyond its bound requests are refused, and sources wait their turn", async (t) => {
    const world = await open(t, { ...DEFAULT_LIMITS, unfinishedMessages: 2 });
    await world.seat.take(batch("s/0", 0, 2));
    const first = await world.called();
    const second = await world.called();
    await assert.rejects(async () => world.ask("a").answer, { code: "OVERLOADED" });
    let isTaken = false;
    const taking = world.seat.take(batch("s/0", 2, 1)).then(() => {
      isTaken = true;
    });
    assert.equal(await world.seat.look("position", { source: "s/0" }), 2);
    assert.equal(isTaken, false);
    first.answer.resolve(DONE);
    second.answer.resolve(DONE);
    await taking;
    await until("it to be durable", async () => {
      return (await world.seat.look("durable", { source: "s/0" })) === 3;
    });
    const { lanes } = await world.seat.look("condition", {});
    assert.deepEqual(
      lanes.map(({ endpoint, circuit }) => [endpoint, circuit.kind]),
      [["test/*", "closed"]],
    );
  });

  seatTest("while the node takes nothing in, requests are refused and sources wait", async (t) => {
    const world = await open(t);
    world.held = "the disk is nearly full";
    await assert.rejects(async () => world.ask("a").answer, {
      ...{ code: "OVERLOADED", message: "the disk is nearly full" },
    });
    const taking = world.seat.take(batch("s/0", 0, 1));
    await world.seat.look("work", {});
    world.held = undefined;
    world.seat.offerSources();
    await taking;
  });

  seatTest("what it has for an egress is published, counted, and its trouble told", async (t) => {
    const world = await open(t);
    world.refusal = "the receiver is away";
    await world.send("a");
    const effects = { messages: [], delayed: [], egress: [RECORD], mutations: [] };
    (await world.called()).answer.resolve({ kind: "reply", effects });
    await until("its trouble", async () => {
      const { egressReasons } = await world.seat.look("condition", {});
      return egressReasons.get("test/out") === "the receiver is away";
    });
    assert.deepEqual(world.seat.backlog("test/out"), { pending: 1, held: 0 });
    assert.deepEqual(world.seat.backlog("test/other"), { pending: 0, held: 0 });
    world.refusal = undefined;
    await until("nothing to be left", () => world.seat.backlog("test/out").pending === 0);
    assert.deepEqual(world.published, ["1 hello"]);
    assert.equal(
      await world.seat.look("nothingOlder", { egress: "test/out", incarnation: 1 }),
      true,
    );
  });

  seatTest(
    "a cut is what was durable then, whatever comes later, until it is closed",
    async (t) => {
      const world = await open(t);
      await world.send("a");
      world.seat.notify({ kind: "barrier", barrier: 7 });
      const { cut, snapshot } = await until("the cut", () => world.cuts.shift());
      await world.send("b");
      assert.deepEqual([cut.barrier, cut.changes], [7, undefined]);
      const [meta, missing] = await snapshot.getMany([keyOf("meta"), keyOf("state", "x/y")]);
      assert(meta !== undefined);
      assert.deepEqual([decodeMeta(meta).barrier, decodeMeta(meta).epoch], [7, cut.epoch]);
      assert.equal(missing, undefined);
      const range = { from: Uint8Array.of(0), until: Uint8Array.of(0xff), limit: 100 };
      const mail = (await snapshot.scan(range)).filter(({ key }) => key[0] === keyOf("mail")[0]);
      assert.equal(mail.length, 1, "the second message is not in it");
      await snapshot.close();
      await until("its number to be known", () => world.seat.figure("barrier") === 7);
      world.seat.notify({ kind: "snapshotComplete", barrier: 7 });
      world.seat.notify({ kind: "barrier", barrier: 8 });
      const next = await until("the next cut", () => world.cuts.shift());
      assert.equal(next.cut.changes?.since, 7);
      assert(next.cut.changes.keys.some((keys) => keys.size > 0));
      await next.snapshot.close();
    },
  );

  seatTest("lists and details read what is durable", async (t) => {
    const world = await open(t);
    await world.send("a");
    (await world.called()).answer.resolve({ kind: "failed", reason: "boom" });
    const address = { type: TYPE, id: "a" };
    const detail = await until("it to be parked", async () => {
      const found = await world.seat.look("parkedDetail", { address });
      return found !== undefined && found;
    });
    assert.deepEqual([detail.reason, detail.pending], ["boom", 1]);
    assert.equal(Buffer.from(detail.messages[0]?.value.value ?? []).toString(), "hello");
    assert.match((await world.seat.look("obstacle", { address })) ?? "", /is parked until/);
    const skip = { kind: "skipParked", address } as const;
    const skipped = await asked(world.seat, { kind: "operator", verb: skip }).answer;
    assert.equal(skipped.kind, "operated");
    const [dead] = await world.dead();
    const record = await world.seat.look("deadRecord", { number: dead?.number ?? 0 });
    assert.match(record?.reason ?? "", /it was parked because: boom$/);
  });

  seatTest("the end waits for what is being committed, and comes once", async (t) => {
    const world = await open(t);
    await world.send("a");
    await Promise.all([world.stop(), world.stop()]);
    assert.equal(world.disk.closed, 1);
    await assert.rejects(async () => world.ask("b").answer, unavailable);
  });
}
