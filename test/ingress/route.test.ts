import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/base/bytes.ts";
import { routeRecord, routeRecords } from "../../src/ingress/route.ts";

const ROUTE = { topic: "t", valueType: "any text", targets: ["ns/fn"] };

function idFor(key: Uint8Array): string | undefined {
  const routed = routeRecord(ROUTE, { key, value: utf8(""), headers: [] });
  return routed.kind === "messages" ? routed.messages[0]?.target.id : undefined;
}

test("the id is the key as UTF-8, malformed bytes and byte order marks as in Java", () => {
  assert.equal(idFor(utf8("grüße/1")), "grüße/1");
  assert.equal(idFor(Buffer.from([0x61, 0xff, 0x62])), "a\ufffdb");
  assert.equal(idFor(Buffer.from([0xef, 0xbb, 0xbf, 0x61])), "\ufeffa");
});

test("what becomes a message shares no memory with what was read", () => {
  const chunk = Buffer.from("keyvalue");
  const routed = routeRecord(ROUTE, {
    key: chunk.subarray(0, 3),
    value: chunk.subarray(3),
    headers: [{ key: "h", value: chunk.subarray(0, 3) }],
  });
  chunk.fill(0);
  assert(routed.kind === "messages");
  const [message] = routed.messages;
  assert.equal(Buffer.from(message?.value.value ?? []).toString(), "value");
  assert.equal(Buffer.from(message?.headers[0]?.value ?? []).toString(), "key");
});

test("a stop names the record and what to do, and ends before it", () => {
  const good = { position: 4, key: utf8("k"), value: utf8("v"), headers: [] };
  const bad = { position: 6, key: undefined, value: utf8("v"), headers: [] };
  const routed = routeRecords(ROUTE, "stop", "log/ns/in/t/0", [good, bad, good], 9);
  assert.equal(routed.records.length, 1);
  assert.equal(routed.next, 6);
  assert.match(
    routed.stop?.message ?? "",
    /^log\/ns\/in\/t\/0@6: the record has no key.*deadLetter/,
  );
});

test("a traceparent is passed on, but nothing else that stands in its place", () => {
  const traceOf = (text: string) => {
    const headers = [{ key: "traceparent", value: utf8(text) }];
    const routed = routeRecord(ROUTE, { key: utf8("k"), value: utf8(""), headers });
    return routed.kind === "messages" ? routed.messages[0]?.traceparent : "none";
  };
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  assert.equal(traceOf(trace), trace);
  assert.equal(traceOf("nonsense"), undefined);
  assert.equal(traceOf(`01${trace.slice(2)}-${"x".repeat(1_000_000)}`), undefined);
});

test("a record's time is passed on, unless it is none", () => {
  const timeOf = (timestampMs: number, key: Uint8Array | undefined) => {
    const record = { position: 0, timestampMs, key, value: utf8(""), headers: [] };
    return routeRecords(ROUTE, "deadLetter", "s", [record], 1).records[0]?.recordAtMs;
  };
  for (const key of [utf8("k"), undefined]) {
    assert.equal(timeOf(1_700_000_000_000, key), 1_700_000_000_000);
    assert.equal(timeOf(-1, key), undefined);
    assert.equal(timeOf(0, key), undefined);
    assert.equal(timeOf(Number.MAX_SAFE_INTEGER, key), undefined);
  }
});
