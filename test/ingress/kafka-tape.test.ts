import assert from "node:assert/strict";
import { test } from "node:test";
import { silent } from "../../src/base/report.ts";
import { KafkaTape } from "../../src/ingress/kafka-tape.ts";
import { Fetcher } from "../../src/kafka/fetcher.ts";
import { record, setStage } from "./kafka-stage.ts";

test("what is left of an answer counts as held until it is handed over", async (t) => {
  const { broker } = setStage(t, { orders: 1 });
  const at = { topic: "orders", partition: 0 };
  const batch = [1, 2, 3].map(() => record("k", "v".repeat(899)));
  broker.log(at).append(batch, -1n, false);
  const cluster = broker.client();
  const limits = { maxWaitMs: 10, minBytes: 1, maxBytes: 1e6, maxPartitionBytes: 1e6 };
  const fetcher = new Fetcher({ cluster, ...limits, maxHeldBytes: 1e6 });
  const tape = new KafkaTape({
    ...{ source: "s/0", at, cluster, fetcher, begin: async () => 0, reset: "latest" },
    ...{ batchBytes: 1e6, batchRecords: 1, report: silent },
  });
  t.after(async () => {
    tape.close();
    fetcher.stop();
    await cluster.close();
  });
  const { signal } = new AbortController();
  const held: number[] = [];
  for (const position of [0, 1, 2]) {
    const { records, next } = await tape.read(position, signal, () => {});
    assert.deepEqual([records.length, next], [1, position + 1]);
    held.push(fetcher.heldBytes);
  }
  assert.deepEqual(held, [2_000, 1_000, 0]);
  assert.equal(tape.end, 3);
});
