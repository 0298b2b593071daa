import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import { utf8 } from "../../src/base/bytes.ts";
import { decodeProducerRecord, KAFKA_PRODUCER_RECORD } from "../../src/egress/producer-record.ts";
import { createRng } from "../support/rng.ts";

const { KafkaProducerRecord } = io.statefun.sdk.egress;

const decode = (value: Uint8Array) =>
  decodeProducerRecord({ typename: KAFKA_PRODUCER_RECORD, hasValue: true, value });

test("a record is read as generated code reads it", () => {
  const rng = createRng(7);
  const texts = ["", "k", "grüße", "\ufeff", "x".repeat(100), "__proto__"];
  const some = (): Uint8Array => rng.bytes(rng.int(300));
  for (let i = 0; i < 300; i++) {
    const headers = Object.fromEntries(
      Array.from({ length: rng.int(3) }, () => [`h${rng.int(3)}${rng.pick(texts)}`, some()]),
    );
    const fields = { key: rng.pick(texts), topic: rng.pick(texts), valueBytes: some(), headers };
    const read = decode(KafkaProducerRecord.encode(fields).finish());
    assert(typeof read !== "string", String(read));
    assert.equal(read.topic, fields.topic);
    assert.deepEqual(
      read.key === undefined ? undefined : Buffer.from(read.key).toString(),
      fields.key || undefined,
    );
    assert.deepEqual(Buffer.from(read.value), Buffer.from(fields.valueBytes));
    const found = read.headers.map(({ key, value }) => [key, Buffer.from(value)]);
    const meant = Object.entries(headers).map(([key, value]) => [key, Buffer.from(value)]);
    assert.deepEqual(found, meant);
  }
});

test("of a field that is there twice the last counts, and one that nobody knows is left out", () => {
  const first = KafkaProducerRecord.encode({ topic: "a", headers: { h: utf8("1") } }).finish();
  const second = KafkaProducerRecord.encode({ topic: "b", headers: { h: utf8("2") } }).finish();
  const unknown = Uint8Array.from([0x78, 1]);
  const read = decode(Buffer.concat([first, unknown, second]));
  assert(typeof read !== "string");
  assert.equal(read.topic, "b");
  assert.deepEqual(read.headers, [{ key: "h", value: utf8("2") }]);
});

test("what is no record is said to be none, with the reason", () => {
  const noText = Uint8Array.from([0x0a, 1, 0xff]);
  assert.match(String(decode(noText)), /the key is not UTF-8/);
  assert.match(String(decode(Uint8Array.from([0x1a, 1, 0xff]))), /the topic is not UTF-8/);
  assert.match(String(decode(Uint8Array.from([0x12, 9, 1]))), /the value ends before its time/);
  assert.match(String(decode(Uint8Array.from([0x08, 1]))), /the key should be/);
});
