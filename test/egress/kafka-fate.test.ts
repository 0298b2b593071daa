import assert from "node:assert/strict";
import { test } from "node:test";
import { fateOf } from "../../src/egress/kafka-fate.ts";
import { sleep } from "../../src/node/sleep.ts";
import { FakeBroker, type PlaceTrouble } from "../kafka/fake/broker.ts";

/* A transaction in one partition of a broker, and what readers of its ends make of it. */

const at = { topic: "a", partition: 0 };
const record = { timestampMs: 0, key: undefined, value: Buffer.from("v"), headers: [] };

async function world() {
  let trouble: PlaceTrouble | undefined;
  const broker = new FakeBroker({
    nowMs: () => 0,
    later: (_, then) => void setImmediate(then),
    placeTrouble: (request) => (request === "fetch" ? trouble : undefined),
  });
  broker.createTopic("a", 1);
  const cluster = broker.client();
  const { signal } = new AbortController();
  const patience = { sleep: () => sleep(0, signal), signal, random: () => 0.5, tries: 5 };
  /** Writes a record in a transaction of its own. */
  const begin = async (id: string) => {
    const session = await cluster.initProducer({ id, timeoutMs: 60_000 });
    await cluster.addPartitions(session, [at]);
    const batches = [{ ...at, firstSequence: 0, records: [record] }];
    const request = { session, waitForReplicas: true, compression: "none", batches } as const;
    const [{ baseOffset: offset } = { baseOffset: -1 }] = await cluster.produce(request);
    return {
      end: (isCommit: boolean) => cluster.endTransaction(session, isCommit),
      fate: () => fateOf(cluster, patience, session.producerId, { ...at, offset }),
    };
  };
  return {
    broker,
    begin,
    set trouble(next: PlaceTrouble | undefined) {
      trouble = next;
    },
  };
}

for (const isCommit of [true, false]) {
  const ended = isCommit ? "committed" : "aborted";
  test(`a transaction is ${ended} once its end is there, and open before`, async () => {
    const { begin } = await world();
    const one = await begin("one");
    assert.equal(await one.fate(), "open");
    await one.end(isCommit);
    assert.equal(await one.fate(), ended);
  });

  test(`it is ${ended} also where somebody else's keeps readers waiting`, async () => {
    const { begin } = await world();
    const other = await begin("other");
    const one = await begin("one");
    assert.equal(await one.fate(), "open");
    await one.end(isCommit);
    const later = await begin("one");
    assert.equal(await one.fate(), ended);
    assert.equal(await later.fate(), "open");
    assert.equal(await other.fate(), "open");
  });

  test(`it is ${ended} though the same producer's next one ended otherwise`, async () => {
    const { begin } = await world();
    const one = await begin("one");
    await one.end(isCommit);
    await (await begin("one")).end(!isCommit);
    assert.equal(await one.fate(), ended);
  });
}

test("what retention has removed, or a topic that is gone or made anew, says nothing", async () => {
  for (const change of ["removed", "gone", "anew"]) {
    const { broker, begin } = await world();
    const one = await begin("one");
    await one.end(true);
    if (change === "removed") broker.log(at).truncate(2);
    if (change !== "removed") broker.deleteTopic("a");
    if (change === "anew") broker.createTopic("a", 1);
    if (change === "anew") await (await begin("other")).end(true);
    assert.equal(await one.fate(), "unknown", change);
  }
});

test("a leader that does not know yet what it has is asked again", async () => {
  for (const code of [
    "OFFSET_OUT_OF_RANGE",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NOT_LEADER_OR_FOLLOWER",
  ]) {
    const made = await world();
    const one = await made.begin("one");
    await one.end(true);
    made.trouble = { code, isAppended: false };
    const asking = one.fate();
    setImmediate(() =>
      setImmediate(() =>
        setImmediate(() => {
          made.trouble = undefined;
        }),
      ),
    );
    assert.equal(await asking, "committed", code);
  }
});
