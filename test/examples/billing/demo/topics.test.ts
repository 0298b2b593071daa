import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { RefusedError, RuntimeClient } from "../../../../examples/billing/demo/topics.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A runtime that gives these answers, one after the other, and remembers what it was asked. */
async function runtime(t: TestContext, answers: readonly Answer[]) {
  const asked: string[] = [];
  const left = [...answers];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (text) => (body += text));
    request.on("end", () => {
      asked.push(`${request.method} ${request.url} ${body}`.trim());
      const answer = left.shift();
      if (answer === undefined) response.destroy();
      else answer(request, response, body);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const ending = new AbortController();
  t.after(() => {
    ending.abort();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { client: new RuntimeClient(url, ending.signal), asked, ending };
}

const hangUp: Answer = (_, response) => response.destroy();
const says =
  (status: number, text: string): Answer =>
  (_, response) =>
    response.writeHead(status).end(text);

const line = (offset: number, value: unknown) =>
  `${JSON.stringify({ partition: 0, offset, key: "k", value })}\n`;

test("a send is repeated, with the same key, until it is accepted", async (t) => {
  const keys: unknown[] = [];
  const { client, asked } = await runtime(t, [
    hangUp,
    says(503, "starting"),
    (request, response) => {
      keys.push(request.headers["idempotency-key"], request.headers["statefold-type"]);
      response.writeHead(202).end("{}");
    },
  ]);
  const message = { type: "demo/x", id: "a/b", valueType: "demo/M", value: { n: 1 } };
  await client.send({ ...message, idempotencyKey: "K" });
  assert.deepEqual(asked, Array(3).fill('POST /v1/send/demo/x/a%2Fb {"n":1}'));
  assert.deepEqual(keys, ["K", "demo/M"]);
});

test("what is refused for good is not asked again", async (t) => {
  const { client, asked } = await runtime(t, [says(404, "no such type")]);
  await assert.rejects(client.write("t", [{ key: "k", value: 1 }]), (error) => {
    assert(error instanceof RefusedError);
    assert.match(error.message, /answered 404: no such type/);
    return true;
  });
  assert.deepEqual(asked, ['POST /v1/topics/t {"key":"k","value":1}']);
});

test("a topic is read partition after partition, to its end", async (t) => {
  const topics = { topics: [{ name: "t", partitions: [{ partition: 0 }, { partition: 1 }] }] };
  const { client, asked } = await runtime(t, [
    says(200, JSON.stringify({ topics: [] })), // it is not there yet
    says(200, JSON.stringify(topics)),
    says(200, line(0, 1) + line(1, 2)),
    says(200, ""),
    says(200, line(0, 3)),
    says(200, ""),
  ]);
  const values = (await client.read("t")).map(({ value }) => value);
  assert.deepEqual(values, [1, 2, 3]);
  assert.match(asked[3] ?? "", /partition=0&offset=2/);
});

test("following goes on after a broken connection, behind the last whole record", async (t) => {
  const { client, asked, ending } = await runtime(t, [
    (_, response) => {
      response.write(line(0, "a") + line(1, "b"));
      response.write('{"partition":0,"off', () => response.destroy());
    },
    says(503, "starting"),
    (_, response) => void response.write(line(2, "c")),
  ]);
  const values: unknown[] = [];
  for await (const { value } of client.follow("t", 0)) {
    values.push(value);
    if (values.length === 3) ending.abort();
  }
  assert.deepEqual(values, ["a", "b", "c"]);
  assert.deepEqual(
    asked.map((request) => /offset=(\d+)/.exec(request)?.[1]),
    ["0", "2", "2"],
  );
});

test("the end of the signal ends what is waited for", async (t) => {
  const { client, ending } = await runtime(t, []);
  const sending = client.write("t", []);
  ending.abort(new Error("over"));
  await assert.rejects(sending, /over/);
});
