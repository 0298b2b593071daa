import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { utf8 } from "../../src/base/bytes.ts";
import type { KafkaEgress, KafkaEgressOptions } from "../../src/egress/kafka.ts";
import { sleep } from "../../src/node/sleep.ts";
import { egressContract } from "../contracts/egress.ts";
import { FakeBroker, type Trouble } from "../kafka/fake/broker.ts";
import { createRng } from "../support/rng.ts";
import { until } from "../support/until.ts";
import { committed, kafkaEgress, payloads, produced, sent, texts } from "./kafka-world.ts";
import { MemoryIntents } from "./memory-intents.ts";

interface World {
  readonly broker: FakeBroker;
  trouble: ((request: string) => Trouble | undefined) | undefined;
  readonly said: string[];
  egress(differences?: Partial<KafkaEgressOptions>): Promise<KafkaEgress>;
  payloads(topic: string): Promise<string[]>;
}

function world(t: TestContext): World {
  const intents = new MemoryIntents();
  const made: World = {
    trouble: undefined,
    said: [],
    broker: new FakeBroker({
      nowMs: () => performance.now(),
      later: (waitMs, then) => void (waitMs === 0 ? setImmediate(then) : setTimeout(then, waitMs)),
      endMs: () => 2,
      trouble: (request) => made.trouble?.(request),
    }),
    async egress(differences = {}) {
      const egress = kafkaEgress(() => made.broker.client(), {
        intents,
        // Pauses are short; what a broker gets to end something in is enough for it.
        sleep: (waitMs, signal) => sleep(waitMs < 2_000 ? Math.min(waitMs, 1) : 500, signal),
        report: (_, message, { reason } = {}) => made.said.push(`${message} ${String(reason)}`),
        ...differences,
      });
      t.after(() => egress.stop());
      await egress.start();
      return egress;
    },
    payloads: (topic) => payloads(made.broker.client(), topic),
  };
  made.broker.createTopic("a", 3);
  made.broker.createTopic("b", 1);
  return made;
}

const SEMANTICS: readonly KafkaEgressOptions["delivery"][] = [
  { type: "exactly-once", transactionTimeoutMs: 60_000 },
  { type: "at-least-once" },
  { type: "none" },
];

for (const delivery of SEMANTICS) {
  egressContract(`Kafka, ${delivery.type}`, async (t) => {
    const stage = world(t);
    return {
      egress: () => stage.egress({ delivery }),
      value: (topic, key, text) => produced({ topic, key: key ?? "", valueBytes: utf8(text) }),
      payloads: (topic) => stage.payloads(topic),
      topics: ["a", "b"],
      remembers: delivery.type === "exactly-once",
    };
  });

  test(`${delivery.type}: a record that was refused is refused again, until that is noted`, async (t) => {
    const stage = world(t);
    stage.broker.refuses = ({ value }) => Buffer.from(value ?? []).toString() === "bad";
    const egress = await stage.egress({ delivery });
    egress.open(0, 1);
    const sent = [...texts("a", ["1", "bad", "3"]), ...texts("nowhere", ["4"])];
    const numbers = (refused: readonly { number: number }[]) => refused.map(({ number }) => number);
    assert.deepEqual(numbers((await egress.publish(0, 1, sent)).refused), [2, 4]);
    // The partition lost its memory before it heard of it.
    egress.open(0, 5);
    assert.deepEqual(numbers((await egress.publish(0, 1, sent)).refused), [2, 4]);
    assert.deepEqual((await stage.payloads("a")).toSorted(), ["1", "3"]);
  });

  test(`${delivery.type}: what no topic or broker takes is refused, and the rest goes on`, async (t) => {
    const stage = world(t);
    stage.broker.createTopic("closed", 1);
    stage.broker.forbidden = "closed";
    stage.broker.refuses = ({ value }) => Buffer.from(value ?? []).toString() === "bad";
    const egress = await stage.egress({ delivery });
    egress.open(0, 1);
    const large = "x".repeat(2_000);
    const { refused } = await egress.publish(0, 1, [
      ...texts("a", ["1", "bad", "3"]),
      ...texts("nowhere", ["4"]),
      ...texts("closed", ["5"]),
      ...texts("a", [large, "7"]),
    ]);
    const reasons = Object.fromEntries(refused.map(({ number, reason }) => [number, reason]));
    assert.deepEqual(Object.keys(reasons), ["2", "4", "5", "6"]);
    assert.match(reasons[2] ?? "", /^a\/\d: the broker refuses it \(MESSAGE_TOO_LARGE\)$/);
    assert.match(reasons[4] ?? "", /^the brokers have no topic nowhere$/);
    assert.match(reasons[5] ?? "", /TOPIC_AUTHORIZATION_FAILED/);
    assert.match(reasons[6] ?? "", /over the limit of 1000/);
    assert.match(egress.check(texts("a", [large])[0]?.value ?? BAD) ?? "", /over the limit/);
    assert.deepEqual(await stage.payloads("a"), ["1", "3", "7"]);
  });

  test(`${delivery.type}: a broker that is away rejects, and gets everything when it is back`, async (t) => {
    const stage = world(t);
    const egress = await stage.egress({ delivery });
    egress.open(0, 1);
    stage.trouble = () => ({ kind: "lost" });
    await assert.rejects(egress.publish(0, 1, texts("a", ["1", "2"])), /no answer/);
    await assert.rejects(egress.publish(0, 1, texts("a", ["1", "2", "3"])), /no answer/);
    stage.trouble = undefined;
    await egress.publish(0, 1, texts("a", ["1", "2", "3"]));
    assert.deepEqual(await stage.payloads("a"), ["1", "2", "3"]);
  });
}

const BAD = produced({});

test("a record has its key, its headers, and the trace it belongs to", async (t) => {
  const stage = world(t);
  const egress = await stage.egress({ nowMs: () => 1_234 });
  egress.open(0, 1);
  const headers = { a: utf8("1") };
  const record = { topic: "b", key: "k", valueBytes: utf8("v"), headers };
  await egress.publish(0, 1, [
    sent(record, "00-trace"),
    sent({ ...record, headers: { traceparent: utf8("own") } }, "00-trace"),
    sent({ topic: "b" }),
  ]);
  const [[first, second, third] = []] = await committed(stage.broker.client(), "b");
  const shown = [first, second, third].map((found) => ({
    key: found?.key && Buffer.from(found.key).toString(),
    value: Buffer.from(found?.value ?? []).toString(),
    headers: found?.headers.map(({ key, value }) => `${key}=${Buffer.from(value).toString()}`),
  }));
  assert.deepEqual(shown, [
    { key: "k", value: "v", headers: ["a=1", "traceparent=00-trace"] },
    { key: "k", value: "v", headers: ["traceparent=own"] },
    { key: undefined, value: "", headers: [] },
  ]);
  assert.equal(first?.timestampMs, 1_234);
});

test("at least once, an answer that is lost makes no double while the process lives", async (t) => {
  const stage = world(t);
  const egress = await stage.egress({ delivery: { type: "at-least-once" } });
  egress.open(0, 1);
  await egress.publish(0, 1, texts("a", ["1"]));
  stage.trouble = (request) => (request === "produce" ? { kind: "answerLost" } : undefined);
  await assert.rejects(egress.publish(0, 2, texts("a", ["2", "3"])));
  await assert.rejects(egress.publish(0, 2, texts("a", ["2", "3", "4"])));
  stage.trouble = undefined;
  await egress.publish(0, 2, texts("a", ["2", "3", "4"]));
  assert.deepEqual(await stage.payloads("a"), ["1", "2", "3", "4"]);
});

test("at least once, whatever is lost on the way, each record is there once and in order", async (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    const rng = createRng(seed);
    const stage = world(t);
    const egress = await stage.egress({ delivery: { type: "at-least-once" } });
    egress.open(0, 1);
    stage.trouble = () => {
      if (!rng.chance(0.2)) return undefined;
      if (rng.chance(0.3)) return { kind: "error", code: "NOT_LEADER_OR_FOLLOWER" };
      return { kind: rng.chance(0.5) ? "lost" : "answerLost" };
    };
    let next = 1;
    for (let call = 0; next <= 100; call++) {
      if (call > 500) assert.fail(`seed ${seed} does not come to an end`);
      const until = Math.min(101, next + 1 + rng.int(20));
      const batch = Array.from({ length: until - next }, (_, i) =>
        sent({ topic: "a", key: `k${(next + i) % 5}`, valueBytes: utf8(String(next + i)) }),
      );
      await egress.publish(0, next, batch).then(
        () => {
          next = until;
        },
        () => {},
      );
    }
    stage.trouble = undefined;
    const ascending = (a: number, b: number) => a - b;
    const read = (await committed(stage.broker.client(), "a")).map((records) =>
      records.map(({ value }) => Number(Buffer.from(value ?? []).toString())),
    );
    for (const one of read) assert.deepEqual(one, one.toSorted(ascending), `seed ${seed}`);
    const all = Array.from({ length: 100 }, (_, i) => i + 1);
    assert.deepEqual(read.flat().toSorted(ascending), all, `seed ${seed}`);
  }
});

test("at least once, a topic that is deleted while its answer is awaited holds nobody up", async (t) => {
  const stage = world(t);
  const egress = await stage.egress({ delivery: { type: "at-least-once" } });
  egress.open(0, 1);
  stage.trouble = (request) => (request === "produce" ? { kind: "answerLost" } : undefined);
  await assert.rejects(egress.publish(0, 1, texts("b", ["1"])));
  stage.trouble = undefined;
  stage.broker.deleteTopic("b");
  const records = [...texts("b", ["1"]), ...texts("a", ["2"])];
  await assert.rejects(egress.publish(0, 1, records), /UNKNOWN_TOPIC/);
  const { refused } = await egress.publish(0, 1, records);
  assert.deepEqual(
    refused.map(({ number }) => number),
    [1],
  );
  assert.deepEqual(await stage.payloads("a"), ["2"]);
});

test("opening shuts out the life before, and ends the transaction it left open", async (t) => {
  const stage = world(t);
  const dying = await stage.egress();
  dying.open(0, 1);
  await dying.publish(0, 1, texts("b", ["1"]));
  stage.trouble = (request) => (request === "endTransaction" ? { kind: "lost" } : undefined);
  await assert.rejects(dying.publish(0, 2, texts("b", ["2"])));
  stage.trouble = undefined;
  const log = stage.broker.log({ topic: "b", partition: 0 });
  assert.ok(log.lastStableOffset < log.end, "readers wait");
  const next = await stage.egress();
  next.open(0, 3);
  await until("readers go on", () => log.lastStableOffset === log.end);
  assert.deepEqual(await stage.payloads("b"), ["1"]);
});

test("opening tries again until there is a broker, after initialMs and then maxMs", async (t) => {
  const stage = world(t);
  stage.trouble = () => ({ kind: "lost" });
  const waits: number[] = [];
  const rest = async (waitMs: number) => void waits.push(waitMs);
  const egress = await stage.egress({ sleep: rest, random: () => 1 });
  egress.open(0, 1);
  await until("it has waited long", () => waits.at(-1) === 10_000);
  assert.deepEqual(waits.slice(0, 3), [100, 200, 400]);
  assert.match(stage.said[0] ?? "", /^An egress cannot begin\. .*no answer/);
  stage.trouble = undefined;
  // Nobody rests here, so its patience is soon over.
  const publish = () => egress.publish(0, 1, texts("a", ["1"]));
  await until("it publishes", () =>
    publish().then(
      () => true,
      () => false,
    ),
  );
});

test("an answer that puts off is asked for TRIES times, and then it is a failure", async (t) => {
  const stage = world(t);
  const egress = await stage.egress({ delivery: { type: "at-least-once" } });
  egress.open(0, 1);
  let asked = 0;
  stage.trouble = (request) => {
    if (request !== "initProducer") return undefined;
    asked++;
    return { kind: "error", code: "COORDINATOR_LOAD_IN_PROGRESS" };
  };
  await assert.rejects(egress.publish(0, 1, texts("b", ["1"])), /COORDINATOR_LOAD_IN_PROGRESS/);
  assert.equal(asked, 60);
});

test("a process whose place another has taken says so, and has written nothing", async (t) => {
  const stage = world(t);
  const zombie = await stage.egress();
  zombie.open(0, 1);
  await zombie.publish(0, 1, texts("b", ["1"]));
  const next = await stage.egress();
  next.open(0, 2);
  await next.publish(0, 2, texts("b", ["2"]));
  await assert.rejects(zombie.publish(0, 2, texts("b", ["other"])), /INVALID_PRODUCER_EPOCH/);
  await assert.rejects(zombie.publish(0, 2, texts("b", ["other"])), { code: "KAFKA_FENCED" });
  await next.publish(0, 3, texts("b", ["3"]));
  assert.deepEqual(await stage.payloads("b"), ["1", "2", "3"]);
});

test("a marker that nobody has written for a day is written again", async (t) => {
  const stage = world(t);
  let nowMs = 1_000_000_000;
  const egress = await stage.egress({ nowMs: () => nowMs });
  egress.open(0, 1);
  await egress.publish(0, 1, texts("b", ["1"]));
  await stage.payloads("b");
  const group = "app/ns/out/0";
  stage.broker.expireOffsets(group);
  await egress.refresh();
  assert.equal(stage.broker.offsets.get(group), undefined, "it is young");
  nowMs += 86_400_000;
  await egress.refresh();
  await until("it is back", () => stage.broker.offsets.get(group)?.size === 1);
});

test("transactions are counted by their end", async (t) => {
  const stage = world(t);
  const egress = await stage.egress();
  egress.open(0, 1);
  await egress.publish(0, 1, texts("b", ["1"]));
  stage.trouble = (request) => (request === "produce" ? { kind: "lost" } : undefined);
  await assert.rejects(egress.publish(0, 2, texts("b", ["2"])));
  stage.trouble = undefined;
  await egress.publish(0, 2, texts("b", ["2"]));
  // The first of all notes a marker by itself.
  assert.deepEqual(egress.transactions, { committed: 3, aborted: 1 });
});

test("stopping ends the transaction that is open: readers need not wait", async (t) => {
  const stage = world(t);
  const egress = await stage.egress();
  egress.open(0, 1);
  await egress.publish(0, 1, texts("b", ["1"]));
  stage.trouble = (request) => (request === "commitOffsets" ? { kind: "lost" } : undefined);
  await assert.rejects(egress.publish(0, 2, texts("b", ["2"])));
  const log = stage.broker.log({ topic: "b", partition: 0 });
  assert.ok(log.lastStableOffset < log.end, "readers wait");
  await Promise.all([egress.stop(), egress.stop()]);
  await until("readers go on", () => log.lastStableOffset === log.end);
  assert.deepEqual(await stage.payloads("b"), ["1"]);
});

test("brokers that do not answer get STOP_MS as it stops", async (t) => {
  const stage = world(t);
  const closed: string[] = [];
  const silent = () => {
    const client = stage.broker.client();
    return {
      ...client,
      produce: () =>
        new Promise<never>((_, reject) => {
          closed.push("asked");
          ends.push(() => reject(new Error("closed")));
        }),
      close: async () => {
        closed.push("closed");
        for (const end of ends) end();
      },
    };
  };
  const ends: (() => void)[] = [];
  let late = (): void => {};
  const waits: number[] = [];
  const rest = (waitMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (waitMs < 2_000) return resolve(sleep(waitMs, signal));
      waits.push(waitMs);
      late = resolve;
    });
  const egress = await stage.egress({ connect: silent, sleep: rest });
  egress.open(0, 1);
  const publishing = egress.publish(0, 1, texts("b", ["1"]));
  publishing.catch(() => {});
  await until("it to be asked", () => closed.length === 1);
  const stopping = egress.stop();
  await until("it to wait", () => waits.length > 0);
  assert.deepEqual([waits, closed], [[2_000], ["asked"]]);
  late();
  await stopping;
  assert.deepEqual(closed, ["asked", "closed"]);
  await assert.rejects(publishing, /closed/);
});

test("exactly once without the right to read says which right is missing", async (t) => {
  const stage = world(t);
  const egress = await stage.egress();
  egress.open(0, 1);
  stage.trouble = (request) =>
    request === "commitOffsets" ? { kind: "error", code: "TOPIC_AUTHORIZATION_FAILED" } : undefined;
  await assert.rejects(
    egress.publish(0, 1, texts("b", ["1"])),
    /needs the right to Read topic b, .* group app\/ns\/out\/0/,
  );
});

test("stopping waits for no broker, and what was being published comes again", async (t) => {
  const stage = world(t);
  const egress = await stage.egress();
  egress.open(0, 1);
  stage.trouble = (request) =>
    request === "endTransaction" ? { kind: "error", code: "CONCURRENT_TRANSACTIONS" } : undefined;
  const publishing = egress.publish(0, 1, texts("b", ["1"]));
  await egress.stop();
  await assert.rejects(publishing);
  await assert.rejects(egress.publish(0, 1, []), { code: "UNAVAILABLE" });
  stage.trouble = undefined;
  const next = await stage.egress();
  next.open(0, 2);
  await next.publish(0, 1, texts("b", ["1"]));
  assert.deepEqual(await stage.payloads("b"), ["1"]);
});
