import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import {
  address,
  fetchHandler,
  lambdaHandler,
  serve,
  statefulFunction,
  types,
} from "@statefold/sdk";
import { add, BINARY, counter } from "../sdk/http/functions.ts";
import { message, requestBytes } from "../sdk/wire.ts";
import { until } from "../support/until.ts";

const headers = { "content-type": BINARY };

/** A function that is at work until it is told to end. */
function slow() {
  const events = new EventEmitter();
  const working = statefulFunction("demo/slow").on(types.string, async () => {
    events.emit("begun");
    await once(events, "end");
  });
  const body = Uint8Array.from(
    requestBytes({ type: "demo/slow", messages: [message(types.string, "")] }),
  );
  return { events, working, body };
}

test("requests held at once are bounded by maxBufferedBytes: 503 beyond, and room when they are done", async () => {
  const { events, working, body } = slow();
  const maxBufferedBytes = Math.max(body.byteLength, add(1).byteLength);
  const handle = fetchHandler([working, counter], { maxBufferedBytes, onError: () => {} });
  const post = (bytes: Uint8Array<ArrayBuffer>) =>
    handle(new Request("http://x/", { method: "POST", body: bytes, headers }));
  const begun = once(events, "begun");
  const first = post(body);
  await begun;
  const refused = await post(add(1));
  assert.equal(refused.status, 503);
  assert.equal(((await refused.json()) as { code: string }).code, "OVERLOADED");
  events.emit("end");
  assert.equal((await first).status, 200);
  assert.equal((await post(add(1))).status, 200);
});

test("an event of AWS Lambda counts as well", async () => {
  const handle = lambdaHandler([counter], { maxBufferedBytes: 10, onError: () => {} });
  const body = Buffer.from(add(1)).toString("base64");
  const answer = await handle({ httpMethod: "POST", headers, body, isBase64Encoded: true });
  assert.equal(answer.statusCode, 503);
});

test("beyond maxConnections one is closed as it comes, and one that leaves makes room", async (t) => {
  const server = await serve([counter], { port: 0, maxConnections: 1, onError: () => {} });
  t.after(() => server.close());
  const first = connect(server.port, server.host);
  await once(first, "connect");
  const second = connect(server.port, server.host);
  second.on("error", () => {}).resume();
  await once(second, "close");
  first.destroy();
  // Each try on a connection of its own, which ends with it: a client that keeps them may wait for one.
  const post = () =>
    fetch(server.url, {
      ...{ method: "POST", body: add(1), headers: { ...headers, connection: "close" } },
      signal: AbortSignal.timeout(2_000),
    });
  await until("room", async () => {
    const answer = await post();
    await answer.arrayBuffer();
    return answer.status === 200;
  });
});

test("MAX_REMEMBERED type names are kept apart, and with more all are read, and the wrong ones refused", () => {
  for (let i = 0; i < 2_500; i++) {
    const name = `demo/f${i % 1_200}`;
    assert.equal(address(name, "1").type, name);
  }
  assert.throws(() => address("demo/f/1", "1"), { code: "CONTEXT_MISUSED" });
});
