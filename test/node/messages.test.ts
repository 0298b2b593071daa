import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Deferred, deferred } from "../../src/base/deferred.ts";
import type { Caller, CallResult, SendRequest, Waiter } from "../../src/gateway/ports.ts";
import type { Invocation, Outcome } from "../../src/model/invocation.ts";
import { openHosts } from "../../src/node/hosts.ts";
import { NodeMessages } from "../../src/node/messages.ts";
import type { PartitionHost } from "../../src/node/partition-host.ts";
import { Partitions } from "../../src/node/partitions.ts";
import { openStorage } from "../../src/node/storage.ts";
import { DEFAULT_LIMITS, type PartitionLimits } from "../../src/partition/limits.ts";
import { atEnd } from "../support/cleanup.ts";
import { byPromise } from "../support/outcomes.ts";
import { until } from "../support/until.ts";
import { aNode, SILENT } from "./a-node.ts";
import { asleep } from "./functions/night.ts";

const VALUE = { typename: "test/Text", hasValue: true, value: Buffer.from("hello") };

/** Messages to functions that answer when they are told to. */
class World {
  readonly messages: NodeMessages;
  readonly partitions: Partitions<PartitionHost>;
  readonly calls: { readonly invocation: Invocation; readonly answer: Deferred<Outcome> }[];

  private constructor(partitions: Partitions<PartitionHost>, calls: World["calls"]) {
    this.partitions = partitions;
    this.calls = calls;
    this.messages = new NodeMessages(partitions);
  }

  static async open(t: TestContext, limits: Partial<PartitionLimits> = {}): Promise<World> {
    const calls: World["calls"] = [];
    const application = "test";
    const storage = await openStorage({
      ...{ application, dataDir: undefined, partitions: 2, acceptLoss: false },
    });
    atEnd(t, () => storage.close());
    const hosts = openHosts([0, 1], {
      ...{ application, storage, limits: { ...DEFAULT_LIMITS, ...limits }, logger: SILENT },
      directory: {
        function: (type) => ({
          ...{ endpoint: type, onFailure: "park", concurrency: 10, delivery: "immediate" },
          ...{ retry: { maxAttempts: 1, initialMs: 1, maxMs: 1 }, maxBatchMessages: 10 },
        }),
        egress: () => undefined,
      },
      egresses: new Map(),
      invoke: byPromise((invocation) => {
        const answer = deferred<Outcome>();
        calls.push({ invocation, answer });
        return answer.promise;
      }),
      onOpened: () => {},
      onCommit: () => {},
      onPublished: () => {},
      onEnded: () => {},
    });
    const partitions = new Partitions(hosts);
    atEnd(t, () => partitions.stop());
    await partitions.open();
    return new World(partitions, calls);
  }

  get waiting(): number {
    return this.partitions.seats.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Answers the next call of a function with a reply to its caller. */
  async reply(text: string): Promise<void> {
    const { invocation, answer } = await until("a call", () => this.calls.shift());
    const target = invocation.messages[0]?.caller;
    assert(target !== undefined);
    const value = { ...VALUE, value: Buffer.from(text) };
    const effects = { messages: [{ target, value }], delayed: [], egress: [], mutations: [] };
    answer.resolve({ kind: "reply", effects });
  }
}

const patient = (): Waiter => ({ hasLeft: false, listener: undefined });

/** What a caller is told. */
function told(waiter: Waiter, ask: (caller: Caller) => void): Promise<CallResult> {
  return new Promise((answered, failed) => ask({ waiter, answered, failed }));
}

const aSend = (id: string): SendRequest => ({
  ...{ target: { type: "test/fn", id }, value: VALUE, idempotencyKey: undefined, headers: [] },
  ...{ traceparent: undefined, delayMs: 0 },
});

const call = (
  messages: NodeMessages,
  id: string,
  { timeoutMs = 3_600_000, waiter = patient() } = {},
): Promise<CallResult> => {
  const { delayMs: _, ...request } = aSend(id);
  return told(waiter, (caller) => messages.call({ ...request, timeoutMs, caller }));
};

const fetchCall = (messages: NodeMessages, callId: string, timeoutMs: number) =>
  told(patient(), (caller) => messages.fetchCall(callId, timeoutMs, caller));

test("a call whose time is over goes on, and its reply is fetched later", async (t) => {
  const { messages, reply, waiting } = bound(await World.open(t));
  const late = await call(messages, "a", { timeoutMs: 1 });
  assert(late.kind === "pending");
  assert.deepEqual(await fetchCall(messages, late.callId, 1), late, "still nothing");
  const fetching = fetchCall(messages, late.callId, 3_600_000);
  await reply("at last");
  const fetched = await fetching;
  assert(fetched.kind === "reply");
  assert.equal(Buffer.from(fetched.value.value).toString(), "at last");
  const kept = await fetchCall(messages, late.callId, 1);
  assert(kept.kind === "reply" && kept.messageId === fetched.messageId, "kept for a day");
  assert.deepEqual(Buffer.from(kept.value.value), Buffer.from(fetched.value.value));
  assert.equal(waiting(), 0);
});

test("a call whose time is over says what is in the way of its message", async (t) => {
  const { messages, partitions, calls } = await World.open(t);
  const answerNext = async (outcome: Outcome) =>
    (await until("a call", () => calls.shift())).answer.resolve(outcome);
  const late = async (id: string) => {
    const result = await call(messages, id, { timeoutMs: 1 });
    return result.kind === "pending" ? result.obstacle : result.kind;
  };
  const { partition } = partitions.ownerOf({ type: "test/fn", id: "a" });
  await messages.send(aSend("a"));
  await answerNext({ kind: "failed", reason: "out of stock" });
  await until("it to be parked", () => partition?.parking.size === 1);
  assert.equal(
    await late("a"),
    "test/fn/a is parked until somebody retries it (FUNCTION_FAILED: out of stock)",
  );
  const ids = Array.from({ length: 20 }, (_, i) => `id-${i}`); // ten of them in each partition, more or less
  await Promise.all(ids.map((id) => messages.send(aSend(id))));
  const isOpen = () => [...(partition?.delivery.lanes() ?? [])][0]?.circuit.state.kind === "open";
  while (!isOpen()) await answerNext({ kind: "retryLater", reason: "connection refused" });
  const home = ids.find(
    (id) => partitions.ownerOf({ type: "test/fn", id }).partition === partition,
  );
  assert.equal(
    await late(home ?? ""),
    "the endpoint of test/fn is in trouble and being probed (connection refused)",
  );
});

test("a call that is unknown is said to be so", async (t) => {
  const { messages } = await World.open(t);
  for (const id of ["0-nobody", "1-nobody", "nonsense", ""]) {
    assert.deepEqual(await fetchCall(messages, id, 1), { kind: "unknown" }, id);
  }
});

test("who hangs up is let go at once, before or while it waits", async (t) => {
  const { messages, reply, waiting } = bound(await World.open(t));
  const waiter = patient();
  const answer = call(messages, "a", { waiter });
  await until("it to wait", () => waiting() === 1);
  waiter.listener?.waiterLeft();
  assert.equal((await answer).kind, "pending");
  const gone = await call(messages, "b", { waiter: { hasLeft: true, listener: undefined } });
  assert.equal(gone.kind, "pending");
  assert.equal(waiting(), 0);
  await reply("to nobody");
  await reply("to nobody");
});

test("at the bound requests are refused, and taken again below it", async (t) => {
  const world = await World.open(t, { unfinishedMessages: 2 });
  const { messages, partitions } = world;
  const ids = Array.from({ length: 50 }, (_, i) => `id-${i}`);
  const home = partitions.ownerOf({ type: "test/fn", id: "id-0" });
  const own = ids.filter((id) => partitions.ownerOf({ type: "test/fn", id }) === home);
  const [first = "", second = "", third = ""] = own;
  // In one go, before the partition has looked at any of them.
  const sends = [first, second, third].map((id) => messages.send(aSend(id)));
  await assert.rejects(sends[2] ?? Promise.resolve(), {
    code: "OVERLOADED",
    message: /has all the unfinished work that it may have/,
  });
  await Promise.all(sends.slice(0, 2));
  const elsewhere = ids.find((id) => !own.includes(id)) ?? "";
  await messages.send(aSend(elsewhere));
  for (let i = 0; i < 3; i++) {
    const { answer } = await until("a call", () => world.calls.shift());
    const nothing = { messages: [], delayed: [], egress: [], mutations: [] };
    answer.resolve({ kind: "reply", effects: nothing });
  }
  await until("room", () => home.partition?.isFull === false);
  await messages.send(aSend(third));
});

test("once closed nothing new is taken, but replies are still fetched", async (t) => {
  const { messages } = await World.open(t);
  const late = await call(messages, "a", { timeoutMs: 1 });
  assert(late.kind === "pending");
  messages.close();
  await assert.rejects(messages.send(aSend("a")), { code: "UNAVAILABLE", message: /draining/ });
  await assert.rejects(call(messages, "a"), { code: "UNAVAILABLE" });
  assert.deepEqual(await fetchCall(messages, late.callId, 1), late);
});

test("over HTTP: a call that takes too long, and its reply fetched by its id", async (t) => {
  const node = await aNode(t);
  const late = await node.post("/v1/call/test/sleeper/http?timeout=10ms", "good night");
  assert.deepEqual([late.status, (late.json as { code: string }).code], [504, "CALL_TIMEOUT"]);
  const location = late.headers.get("location") ?? "";
  (await until("the sleeper", () => asleep.get("http"))).resolve();
  const reply = await node.ask(location, { headers: { accept: "application/json" } });
  assert.deepEqual([reply.status, reply.json], [200, "good night, slept"]);
});

test("over HTTP: the same idempotency key is done once, also when both ask at once", async (t) => {
  const node = await aNode(t);
  const key = { "idempotency-key": "k" };
  const replies = await Promise.all(
    Array.from({ length: 5 }, () => node.call("test/counter/a", 3, key)),
  );
  assert.deepEqual(replies, [3, 3, 3, 3, 3]);
  assert.equal(await node.call("test/counter/b", 3, key), 3, "another address, another call");
  const sent = await node.send("test/counter/c", 1, key);
  assert.equal(await node.send("test/counter/c", 1, key), sent);
  const mixed = await node.post("/v1/call/test/counter/c", 1, key);
  assert.equal(mixed.status, 400);
  assert.match(mixed.text, /used for a send, which has no reply/);
});

test("over HTTP: a function that nobody serves is not found, and nothing is accepted", async (t) => {
  const node = await aNode(t);
  const { status, json } = await node.post("/v1/send/test/nobody/a", "x");
  assert.deepEqual([status, (json as { code: string }).code], [404, "TYPE_UNKNOWN"]);
  assert.deepEqual(await node.list("dead"), []);
});

test("over HTTP: who hangs up leaves nothing behind", async (t) => {
  const node = await aNode(t);
  const hangUp = new AbortController();
  const headers = { "content-type": "text/plain" };
  const call = fetch(`${node.url}/v1/call/test/silent/a`, {
    ...{ method: "POST", headers, body: "anybody?", signal: hangUp.signal },
  });
  await until("it to be handled", async () => {
    const [partition] = await node.list<{ accepted: number; finished: number }>("partitions");
    return partition?.accepted === 1 && partition.finished === 1;
  });
  hangUp.abort();
  await assert.rejects(call);
  await until("the request to be over", async () => {
    const { text } = await node.ask("/metrics");
    return /^statefold_http_in_flight_requests 0$/m.test(text);
  });
});

function bound(world: World) {
  const { messages } = world;
  return { messages, reply: (text: string) => world.reply(text), waiting: () => world.waiting };
}
