import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Deferred, deferred } from "../../src/base/deferred.ts";
import type { Invocation, Outcome } from "../../src/model/invocation.ts";
import { Driver, type DriverOptions } from "../../src/partition/driver.ts";
import type { Input, Release } from "../../src/partition/ports.ts";
import { openPartition } from "../../src/partition/recovery.ts";
import type { Store } from "../../src/store/contract.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { byPromise } from "../support/outcomes.ts";
import { until } from "../support/until.ts";
import { at, effects, partitionOptions, TYPE, value } from "./harness.ts";

interface Running {
  readonly driver: Driver;
  readonly released: Release[];
  readonly failures: unknown[];
  readonly commits: number[];
}

/** A partition in real time on this store, whose function answers as told. */
async function start(
  t: TestContext,
  rest: Partial<DriverOptions> & { readonly store?: Store } = {},
): Promise<Running> {
  const store = rest.store ?? new MemoryStore();
  const partition = await openPartition(store, partitionOptions({}));
  const [released, failures, commits]: [Release[], unknown[], number[]] = [[], [], []];
  const driver = new Driver({
    ...{ partition, store, clock: { now: () => 1_000_000 } },
    invoke: byPromise(async () => ({ kind: "reply", effects: effects({}) })),
    release: (release) => void released.push(release),
    onFailure: (error) => void failures.push(error),
    onTurn: () => {},
    onCommit: (_, writes) => void commits.push(writes),
    ...rest,
  });
  t.after(() => driver.stop());
  return { driver, released, failures, commits };
}

const send = (request: number, delayMs = 0, idempotencyKey?: string): Input => ({
  ...{ kind: "send", request, target: at("a"), value: value("x"), delayMs },
  ...{ idempotencyKey, traceparent: undefined, headers: [] },
});

const isAccepted = ({ released }: Running) =>
  until("the message is accepted", () => released.some(({ kind }) => kind === "accepted"));

/** A store whose commits can be made to fail or to wait. */
class UnsureStore extends MemoryStore {
  error: Error | undefined;
  gate: Deferred<void> | undefined;

  override async commit(...args: Parameters<Store["commit"]>): Promise<void> {
    await this.gate?.promise;
    if (this.error !== undefined) throw this.error;
    await super.commit(...args);
  }
}

test("what is offered is turned into invocations, commits and releases, by itself", async (t) => {
  const targets: string[] = [];
  const it = await start(t, {
    invoke: byPromise(async ({ target }) => {
      targets.push(`${target.type}/${target.id}`);
      return { kind: "reply", effects: effects({}) };
    }),
  });
  it.driver.offer(send(1));
  await isAccepted(it);
  assert.deepEqual(targets, [`${TYPE}/a`]);
  assert(it.commits.length >= 2, "its session and its message were committed");
});

test("it wakes when the partition asked to be woken", async (t) => {
  let nowMs = 1_000_000;
  let invoked = 0;
  const it = await start(t, {
    clock: { now: () => (nowMs += 5) },
    invoke: byPromise(async () => {
      invoked++;
      return { kind: "reply", effects: effects({}) };
    }),
  });
  it.driver.offer(send(1, 20));
  await until("it fires", () => invoked === 1);
});

test("a wake-up that is due earlier takes the place of a later one", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 1_000_000;
  const targets: string[] = [];
  const it = await start(t, {
    clock: { now: () => nowMs },
    invoke: byPromise(async ({ messages }) => {
      targets.push(...messages.map(({ id }) => id));
      return { kind: "reply", effects: effects({}) };
    }),
  });
  const rest = async () => {
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  };
  await rest();
  it.driver.offer(send(1, 900));
  await rest();
  it.driver.offer(send(2, 20));
  await rest();
  assert.equal(it.released.filter(({ kind }) => kind === "accepted").length, 2);
  nowMs += 20;
  t.mock.timers.tick(20);
  await rest();
  assert.equal(targets.length, 1);
});

test("a commit that fails ends it: it says so once, and releases nothing more", async (t) => {
  const store = new UnsureStore();
  const it = await start(t, { store });
  it.driver.offer(send(1));
  await isAccepted(it);
  const before = it.released.length;
  store.error = new Error("disk full");
  it.driver.offer(send(2));
  await until("it fails", () => it.failures.length > 0);
  it.driver.offer(send(3));
  await it.driver.stop();
  assert.deepEqual(it.failures, [store.error]);
  assert.equal(it.released.length, before);
  assert(!it.driver.isRunning);
});

test("a read that fails ends it too", async (t) => {
  const store = new MemoryStore();
  store.getMany = async () => {
    throw new Error("unreadable");
  };
  const working = new MemoryStore();
  const partition = await openPartition(working, partitionOptions({}));
  const mixed: Store = {
    getMany: (keys) => store.getMany(keys),
    scan: (range) => working.scan(range),
    commit: (writes, epoch) => working.commit(writes, epoch),
    snapshot: () => working.snapshot(),
    close: () => working.close(),
  };
  const it = await start(t, { store: working });
  await it.driver.stop();
  const failures: unknown[] = [];
  const driver = new Driver({
    ...{ partition, store: mixed, clock: { now: () => 1_000_000 } },
    invoke: byPromise(() => new Promise<Outcome>(() => {})),
    ...{ release: () => {}, onCommit: () => {}, onTurn: () => {} },
    onFailure: (error) => void failures.push(String(error)),
  });
  t.after(() => driver.stop());
  driver.offer(send(1, 0, "looked up"));
  await until("it fails", () => failures.length > 0);
  assert.deepEqual(failures, ["Error: unreadable"]);
});

test("a cut is handed over before the next commit starts, and before anybody is told", async (t) => {
  const events: string[] = [];
  class Watched extends MemoryStore {
    override async commit(...args: Parameters<Store["commit"]>): Promise<void> {
      events.push(`commit ${args[1]}`);
      await super.commit(...args);
    }
  }
  const it = await start(t, {
    store: new Watched(),
    release: ({ kind }) => void events.push(kind),
    onCut: ({ barrier, epoch }, snapshot) => {
      events.push(`cut ${barrier} at ${epoch}`);
      void snapshot.close();
    },
  });
  it.driver.offer({ kind: "barrier", barrier: 3 });
  it.driver.offer(send(1));
  await until("the session is committed", () => events.includes("commit 1"));
  // The next epoch has something to commit as the cut is taken.
  await until("the commit of the cut", () => events.includes("commit 2"));
  it.driver.offer(send(2));
  await until("both are accepted", () => events.filter((each) => each === "accepted").length === 2);
  const [cut, accepted, next] = ["cut 3 at 2", "accepted", "commit 3"].map((each) =>
    events.indexOf(each),
  );
  assert(cut !== undefined && accepted !== undefined && next !== undefined);
  assert(cut > events.indexOf("commit 2") && cut < accepted && cut < next, events.join());
});

test("without anybody who wants it no snapshot is taken", async (t) => {
  const store = new MemoryStore();
  store.snapshot = () => assert.fail("nobody wants one");
  const it = await start(t, { store });
  it.driver.offer({ kind: "barrier", barrier: 1 });
  it.driver.offer(send(1));
  await isAccepted(it);
  assert.deepEqual(it.failures, []);
});

test("stop aborts what is being called and waits for the running commit; twice is once", async (t) => {
  const store = new UnsureStore();
  const signals: AbortSignal[] = [];
  const it = await start(t, {
    store,
    invoke: byPromise((_: Invocation, signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<Outcome>(() => {});
    }),
  });
  it.driver.offer(send(1));
  await until("it is called", () => signals.length === 1);
  await isAccepted(it);
  store.gate = deferred();
  it.driver.offer(send(2));
  const commits = it.commits.length;
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  let hasStopped = false;
  const stopping = Promise.all([it.driver.stop(), it.driver.stop()]).then(() => {
    hasStopped = true;
  });
  assert(signals[0]?.aborted);
  await new Promise(setImmediate);
  assert(!hasStopped, "the commit still runs");
  store.gate.resolve();
  await stopping;
  assert.equal(it.commits.length, commits + 1);
  assert.deepEqual(it.failures, []);
});

test("a mistake of ours ends it with that mistake", async (t) => {
  const it = await start(t);
  it.driver.offer({ kind: "committed", epoch: 99 });
  await until("it fails", () => it.failures.length > 0);
  assert.match(String(it.failures[0]), /an unexpected commit/);
});
