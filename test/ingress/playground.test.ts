import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { StatefoldError } from "../../src/base/errors.ts";
import { PlaygroundIngress } from "../../src/ingress/playground.ts";
import type { RoutedMessage } from "../../src/model/source.ts";

interface World {
  readonly sent: RoutedMessage[];
  readonly ingress: PlaygroundIngress;
  request(path: string, init?: RequestInit): Promise<Response>;
}

async function started(
  t: TestContext,
  send?: (message: RoutedMessage) => Promise<void>,
): Promise<World> {
  const sent: RoutedMessage[] = [];
  const ingress = new PlaygroundIngress({
    port: 0,
    maxBodyBytes: 1000,
    send: send ?? (async (message) => void sent.push(message)),
  });
  t.after(() => ingress.stop());
  await ingress.start();
  return {
    sent,
    ingress,
    request: (path, init = {}) => fetch(`http://127.0.0.1:${ingress.port}${path}`, init),
  };
}

const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

test("the content type names the value's type, the body is its bytes, any method will do", async (t) => {
  const world = await started(t);
  for (const method of ["PUT", "POST", "DELETE"]) {
    const response = await world.request("/example/person/J%C3%BCrgen%2F1", {
      method,
      headers: { "content-type": "application/vnd.example/GreetRequest", traceparent: TRACE },
      body: '{"name":"x"}',
    });
    assert.equal(response.status, 200);
  }
  assert.equal(world.sent.length, 3);
  assert.deepEqual(world.sent[0], {
    target: { type: "example/person", id: "Jürgen/1" },
    value: {
      typename: "example/GreetRequest",
      hasValue: true,
      value: Buffer.from('{"name":"x"}'),
    },
    headers: [],
    traceparent: TRACE,
  });
});

test("plain text, or no word about the body, is a string that every SDK reads", async (t) => {
  const world = await started(t);
  await world.request("/ns/fn/1", { method: "POST", body: "hi" });
  await world.request("/ns/fn/1", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "hi",
  });
  await world.request("/ns/fn/1");
  assert.deepEqual(
    world.sent.map(({ value }) => [value.typename, [...value.value]]),
    [
      ["io.statefun.types/string", [0x0a, 2, 0x68, 0x69]],
      ["io.statefun.types/string", [0x0a, 2, 0x68, 0x69]],
      ["io.statefun.types/string", []],
    ],
  );
});

test("the statefold-type header goes before the content type", async (t) => {
  const world = await started(t);
  const headers = { "statefold-type": "ns/Json", "content-type": "application/json" };
  await world.request("/ns/fn/1", { method: "POST", headers, body: "{}" });
  assert.equal(world.sent[0]?.value.typename, "ns/Json");
});

test("a body whose type is not said is refused, with what would be right", async (t) => {
  const world = await started(t);
  const headers = { "content-type": "application/json" };
  const response = await world.request("/ns/fn/1", { method: "POST", headers, body: "{}" });
  assert.equal(response.status, 415);
  assert.match(await response.text(), /application\/vnd\.<namespace>\/<name>/);
});

test("a path that is no address is refused", async (t) => {
  const world = await started(t);
  for (const path of [
    "/",
    "/ns/fn",
    "/ns/fn/",
    "/ns/fn/1/2",
    "//fn/1",
    "/a%2Fb/fn/1",
    "/a/b/%ff",
  ]) {
    assert.equal((await world.request(path)).status, 400, path);
  }
  assert.deepEqual(world.sent, []);
});

test("a body over the limit is refused", async (t) => {
  const world = await started(t);
  const body = "x".repeat(2000);
  assert.equal((await world.request("/ns/fn/1", { method: "POST", body })).status, 413);
});

test("it answers when the message is durable, and with the status of what went wrong", async (t) => {
  const durable = deferred<void>();
  let answered = false;
  const outcomes: (() => Promise<void>)[] = [
    () => durable.promise,
    () => Promise.reject(new StatefoldError("TYPE_UNKNOWN", "no endpoint takes ns/fn")),
    () => Promise.reject(new Error("secret")),
  ];
  const world = await started(t, () => outcomes.shift()?.() ?? Promise.resolve());
  const first = world.request("/ns/fn/1").then((response) => {
    answered = true;
    return response;
  });
  const second = await world.request("/ns/fn/1");
  assert.equal(second.status, 404);
  assert.equal(second.headers.get("content-type"), "application/problem+json");
  assert.equal(((await second.json()) as { code: string }).code, "TYPE_UNKNOWN");
  const third = await world.request("/ns/fn/1");
  assert.equal(third.status, 500);
  assert(!(await third.text()).includes("secret"));
  assert.equal(answered, false);
  durable.resolve();
  assert.equal((await first).status, 200);
});

test("a stop answers what was taken, then the port is free", async (t) => {
  const durable = deferred<void>();
  const arrived = deferred<void>();
  const world = await started(t, async () => {
    arrived.resolve();
    await durable.promise;
  });
  const request = world.request("/ns/fn/1");
  await arrived.promise;
  const stopping = Promise.all([world.ingress.stop(), world.ingress.stop()]);
  durable.resolve();
  assert.equal((await request).status, 200);
  await stopping;
  await assert.rejects(world.request("/ns/fn/1"));
});

test("a port that is taken is refused by name", async (t) => {
  const world = await started(t);
  const port = world.ingress.port ?? 0;
  const other = new PlaygroundIngress({ port, send: async () => {} });
  await assert.rejects(other.start(), {
    code: "CONFIG_INVALID",
    message: `cannot listen on 127.0.0.1:${port}`,
  });
});
