import assert from "node:assert/strict";
import { test } from "node:test";
import { readOptions } from "../../../../examples/billing/demo/options.ts";

test("without a word the demo takes the runtime's own log", () => {
  const expected = { subscriptions: 1000, runMs: 24_000, seed: 1, kafka: undefined };
  assert.deepEqual(readOptions([]), expected);
});

test("Kafka is a broker of the demo's own, or one that is named", () => {
  assert.deepEqual(readOptions(["--kafka"]).kafka, { brokers: undefined });
  for (const args of [["--kafka"], []]) {
    const { kafka } = readOptions([...args, "--brokers", "a:9092,b:9093"]);
    assert.deepEqual(kafka, { brokers: "a:9092,b:9093" });
  }
});

test("what is wrong is said", () => {
  assert.throws(() => readOptions(["--brokers", "kafka"]), /"kafka" is no list of brokers/);
  assert.throws(() => readOptions(["--seconds", "9"]), /9 is no whole number from 10/);
  assert.throws(() => readOptions(["--kafak"]), /--kafak/);
});
