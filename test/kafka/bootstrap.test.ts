import assert from "node:assert/strict";
import { test } from "node:test";
import { bootstrapOf } from "../../src/kafka/bootstrap.ts";

test("an address names one broker or several", () => {
  assert.deepEqual(bootstrapOf("kafka:9092"), [{ host: "kafka", port: 9092 }]);
  assert.deepEqual(bootstrapOf(" a.example:1 , PLAINTEXT://10.0.0.1:9093,[::1]:65535"), [
    { host: "a.example", port: 1 },
    { host: "10.0.0.1", port: 9093 },
    { host: "::1", port: 65_535 },
  ]);
});

test("what is no address is quoted", () => {
  for (const text of ["", "kafka", "kafka:", "kafka:0", "kafka:65536", "a:1,,b:2", "::1:9092"]) {
    assert.throws(() => bootstrapOf(text), { code: "CONFIG_INVALID" }, text);
  }
  assert.throws(() => bootstrapOf("kafka"), /"kafka" is no address of brokers: host:port/);
});
