import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import {
  type Context,
  kafkaEgressMessage,
  type Message,
  messageBuilder,
  StateFun,
} from "apache-flink-statefun";
import { type Deferred, deferred } from "../../src/base/deferred.ts";
import type { Script } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { isQuiet, metric, startRuntime } from "./runtime.ts";

/* Functions of the Apache project's own JavaScript SDK, called by the real runtime. */

const WORKER = "js/worker";

class Worker {
  /** The messages of each request for one address, as the wire had them. */
  readonly batches: number[] = [];
  /** Requests that came without the states the function has registered. */
  negotiations = 0;
  /** A message `wait` takes until this is resolved. */
  readonly gate: Deferred<void> = deferred();
  /** So many messages `fail` are still to fail. */
  failures = 1;

  async handle(context: Context, message: Message): Promise<void> {
    const { self, storage } = context;
    const order = message.asString() ?? "";
    if (order === "wait") await this.gate.promise;
    if (order === "fail" && this.failures-- > 0) throw new Error("half-way");
    storage.total = (storage.total ?? 0) + 1;
    const said = `${order} ${storage.total}`;
    const say = (id: string, value: string) => messageBuilder({ typename: WORKER, id, value });
    if (order.startsWith("tell ")) context.send(say(order.slice(5), "told"));
    if (order === "remind") {
      context.sendAfter(20, say(self.id, "reminded"), "soon");
      context.sendAfter(3_600_000, say(self.id, "much later"), "never");
    }
    if (order === "forget") context.cancelDelayedMessage("never");
    context.send(
      kafkaEgressMessage({ typename: "js/topics", topic: "said", key: self.id, value: said }),
    );
    const caller = context.caller;
    if (caller === null || caller.typename === WORKER) return;
    context.send(messageBuilder({ typename: caller.typename, id: caller.id, value: said }));
  }
}

async function serveWorker(t: TestContext, worker: Worker): Promise<number> {
  const statefun = new StateFun();
  statefun.bind({
    typename: WORKER,
    fn: (context, message) => worker.handle(context, message),
    specs: [{ name: "total", type: StateFun.intType(), expireAfterWrite: 3_600_000 }],
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request);
    const { invocation } = io.statefun.sdk.reqreply.ToFunction.decode(body);
    if (invocation?.state?.length === 0) worker.negotiations++;
    else worker.batches.push(invocation?.invocations?.length ?? 0);
    await statefun.handle([body], response);
  };
  const server = createServer((request, response) => void answer(request, response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    worker.gate.resolve();
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function stage(t: TestContext, partitions = 4): Promise<{ worker: Worker; runtime: Script }> {
  const worker = new Worker();
  const port = await serveWorker(t, worker);
  const module = `
kind: io.statefun.endpoints.v2/http
spec:
  functions: js/*
  urlPathTemplate: http://127.0.0.1:${port}/
---
kind: io.statefun.kafka.v1/egress
spec:
  id: js/topics
  address: localhost:9092
`;
  const directory = tempDir(t);
  return { worker, runtime: await startRuntime(t, { module, directory, partitions }) };
}

async function post(runtime: Script, path: string, body: string): Promise<string> {
  const headers = { "content-type": "text/plain" };
  const response = await fetch(`${runtime.url}/v1/${path}`, { method: "POST", headers, body });
  const text = await response.text();
  assert(response.ok, `${response.status} ${text}`);
  return text;
}

function call(runtime: Script, id: string, order: string): Promise<string> {
  return post(runtime, `call/${WORKER}/${id}`, order);
}

async function send(runtime: Script, id: string, order: string): Promise<void> {
  await post(runtime, `send/${WORKER}/${id}`, order);
}

/** What an instance has said on the topic, once so much is there and nothing more is to come. */
async function said(runtime: Script, id: string): Promise<string[]> {
  await until("everything is done", () => isQuiet(runtime));
  const text = await (await fetch(`${runtime.url}/v1/topics/said`)).text();
  const records = text.trim().split("\n");
  return records
    .map((line) => JSON.parse(line) as { key: string; value: string })
    .filter(({ key }) => key === id)
    .map(({ value }) => value);
}

test("its states are asked for once in a partition, and kept from call to call", async (t) => {
  const { worker, runtime } = await stage(t, 1);
  assert.equal(await call(runtime, "ada", "hello"), "hello 1");
  assert.equal(await call(runtime, "ada", "hello"), "hello 2");
  assert.equal(await call(runtime, "bob", "hello"), "hello 1");
  assert.equal(worker.negotiations, 1);
  await runtime.restart();
  assert.equal(await call(runtime, "ada", "hello"), "hello 3");
  assert.equal(worker.negotiations, 1);
});

test("what comes while it works is one batch, and is handled in order", async (t) => {
  const { worker, runtime } = await stage(t);
  await send(runtime, "ada", "wait");
  await until("the first message is being handled", () => worker.batches.length === 1);
  for (const order of ["one", "two", "three"]) await send(runtime, "ada", order);
  worker.gate.resolve();
  assert.deepEqual(await said(runtime, "ada"), ["wait 1", "one 2", "two 3", "three 4"]);
  assert.deepEqual(worker.batches, [1, 3]);
});

test("it sends to others, now and later, and takes back what it sent for later", async (t) => {
  const { runtime } = await stage(t);
  await call(runtime, "ada", "tell bob");
  await call(runtime, "ada", "remind");
  await until("the first reminder came", async () => (await timers(runtime)) === 1);
  await call(runtime, "ada", "forget");
  assert.deepEqual(await said(runtime, "bob"), ["told 1"]);
  assert.deepEqual(await said(runtime, "ada"), [
    "tell bob 1",
    "remind 2",
    "reminded 3",
    "forget 4",
  ]);
});

test("an error half-way in a batch does nothing by half", async (t) => {
  const { worker, runtime } = await stage(t);
  await send(runtime, "ada", "wait");
  await until("the first message is being handled", () => worker.batches.length === 1);
  for (const order of ["one", "fail", "tell bob"]) await send(runtime, "ada", order);
  worker.gate.resolve();
  const expected = ["wait 1", "one 2", "fail 3", "tell bob 4"];
  await until("all of it has been done", async () => (await said(runtime, "ada")).length >= 4);
  assert.deepEqual(await said(runtime, "ada"), expected);
  assert.deepEqual(await said(runtime, "bob"), ["told 1"]);
  assert.equal(worker.failures, -1); // it failed, and was handed over again
});

function timers(runtime: Script): Promise<number> {
  return metric(runtime, "statefold_partition_timers");
}
