import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { utf8 } from "../../src/base/bytes.ts";
import type { EgressRecord } from "../../src/egress/contract.ts";
import {
  PLAYGROUND_RECORD,
  PlaygroundEgress,
  type PlaygroundEgressOptions,
} from "../../src/egress/playground.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import { egressContract } from "../contracts/egress.ts";

const ID = "io.statefun.playground/egress";

function json(value: unknown): TypedValue {
  return { typename: PLAYGROUND_RECORD, hasValue: true, value: utf8(JSON.stringify(value)) };
}

function sent(topic: string, payload: string): EgressRecord {
  const sender = { type: "ns/fn", id: "1" };
  return { value: json({ topic, payload }), sender, causeId: undefined, traceparent: undefined };
}

async function started(
  t: TestContext,
  options: Partial<PlaygroundEgressOptions> = {},
): Promise<PlaygroundEgress> {
  const topics = ["greetings", "receipts"];
  const egress = new PlaygroundEgress({ id: ID, port: 0, topics, ...options });
  t.after(() => egress.stop());
  await egress.start();
  return egress;
}

function get(egress: PlaygroundEgress, path: string, init?: RequestInit): Promise<Response> {
  return fetch(`http://127.0.0.1:${egress.port}${path}`, init);
}

egressContract("playground", async () => {
  let last: PlaygroundEgress | undefined;
  return {
    async egress() {
      const topics = ["greetings", "receipts"];
      last = new PlaygroundEgress({ id: ID, port: 0, topics });
      await last.start();
      return last;
    },
    value: (topic, _key, payload) => json({ topic, payload }),
    async payloads(topic) {
      const found: string[] = [];
      for (;;) {
        const response = await fetch(`http://127.0.0.1:${last?.port}/${topic}`);
        if (response.status !== 200) return found;
        found.push(await response.text());
      }
    },
    topics: ["greetings", "receipts"],
    remembers: false,
  };
});

test("a GET takes the oldest record out; 404 when there is none, 405 for an unknown topic", async (t) => {
  const egress = await started(t);
  await egress.publish(0, 1, [sent("greetings", "hello"), sent("greetings", "wörld")]);
  const first = await get(egress, "/greetings");
  assert.equal(first.status, 200);
  assert.equal(await first.text(), "hello");
  assert.equal(await (await get(egress, "/greetings?x=1")).text(), "wörld");
  assert.equal((await get(egress, "/greetings")).status, 404);
  assert.equal((await get(egress, "/receipts")).status, 404);
  assert.equal((await get(egress, "/unknown")).status, 405);
  assert.equal((await get(egress, "/%ff")).status, 405);
  const post = await get(egress, "/greetings", { method: "POST", body: "x" });
  assert.equal(post.status, 405);
  assert.equal(post.headers.get("allow"), "GET");
});

test("a record that is not a topic and a payload is told with its reason", async (t) => {
  const egress = await started(t);
  const text = { ...json(""), value: utf8("{") };
  assert.match(egress.check(text) ?? "", /not JSON/);
  assert.match(egress.check(json(null)) ?? "", /"payload": string/);
  assert.match(egress.check(json({ topic: "greetings", payload: 1 })) ?? "", /"payload": string/);
  assert.match(
    egress.check(json({ topic: "other", payload: "x" })) ?? "",
    /topic "other" is not among .* greetings, receipts/,
  );
});

test("what finds the queue full is dropped, counted and reported once", async (t) => {
  const reports: string[] = [];
  const report: PlaygroundEgressOptions["report"] = (_level, message) => reports.push(message);
  const egress = await started(t, { maxRecords: 2, report });
  await egress.publish(
    0,
    1,
    ["a", "b", "c", "d"].map((text) => sent("greetings", text)),
  );
  assert.equal(egress.dropped, 2);
  assert.equal(reports.length, 1);
  assert.equal(await (await get(egress, "/greetings")).text(), "a");
  await egress.publish(0, 5, [sent("receipts", "e")]);
  assert.equal(await (await get(egress, "/receipts")).text(), "e");
  assert.equal(egress.dropped, 2);
});

test("the queue is bounded in bytes, too, and holds a long run in order", async (t) => {
  const small = await started(t, { maxBytes: 300 });
  await small.publish(0, 1, [sent("greetings", "x".repeat(100)), sent("greetings", "y")]);
  assert.equal(small.dropped, 1);
  const egress = await started(t);
  const texts = Array.from({ length: 1500 }, (_, i) => `${i}`);
  await egress.publish(
    0,
    1,
    texts.map((text) => sent("greetings", text)),
  );
  for (const text of texts.slice(0, 30)) {
    assert.equal(await (await get(egress, "/greetings")).text(), text);
  }
});
