import assert from "node:assert/strict";
import { test } from "node:test";
import { KafkaError } from "../../src/kafka/error.ts";
import { insist } from "../../src/kafka/insist.ts";

function stage(tries = 5) {
  const waits: number[] = [];
  const ending = new AbortController();
  const sleep = async (waitMs: number) => void waits.push(waitMs);
  return { waits, ending, patience: { sleep, signal: ending.signal, random: () => 1, tries } };
}

const passing = new KafkaError("CONCURRENT_TRANSACTIONS", "test");

test("what passes is asked again after initialMs, later after maxMs, until the patience is over", async () => {
  const { waits, patience } = stage(12);
  let asked = 0;
  const asking = insist(patience, async () => {
    asked++;
    throw passing;
  });
  await assert.rejects(asking, passing);
  assert.equal(asked, 12);
  assert.deepEqual(waits.slice(0, 4), [2, 4, 8, 16]);
  assert.deepEqual(waits.slice(-3), [200, 200, 200]);
});

test("an answer ends it, and so does any other error", async () => {
  const { patience } = stage();
  let asked = 0;
  const answer = await insist(patience, async () => {
    if (++asked < 3) throw passing;
    return "yes";
  });
  assert.deepEqual([answer, asked], ["yes", 3]);
  const refused = new KafkaError("MESSAGE_TOO_LARGE", "test");
  await assert.rejects(
    insist(patience, async () => {
      asked++;
      throw refused;
    }),
    refused,
  );
  assert.equal(asked, 4);
});

test("nobody insists any more once the signal has aborted", async () => {
  const { ending, patience } = stage();
  const asking = insist(patience, async () => {
    ending.abort(new Error("it ends"));
    throw passing;
  });
  await assert.rejects(asking, /it ends/);
});
