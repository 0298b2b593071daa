import assert from "node:assert/strict";
import { test } from "node:test";
import { readDeadKey } from "../../src/partition/dead-letters.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { at, binding, EGRESS, Harness, TYPE, textOf, value } from "./harness.ts";

/** A partition with one dead letter: a message to a type that nobody serves. */
async function withDead(): Promise<{ it: Harness; number: number }> {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "x"));
  it.reply({ messages: [{ target: at("b", "test/new"), value: value("early") }] });
  it.settle();
  const [entry] = it.stored("dead");
  assert(entry !== undefined);
  return { it, number: readDeadKey(entry.key) };
}

const found = (it: Harness) => it.take("operated").map((answer) => answer.found);

test("a dead letter holds the message whole, its reason, and in whose turn it died", async () => {
  const { it } = await withDead();
  const [dead] = it.stored("dead").map((entry) => decodeDead(entry.value));
  assert.equal(dead?.code, "TARGET_UNKNOWN");
  assert.match(dead.reason, /no endpoint .* test\/new/);
  assert.equal(dead.atMs, it.nowMs);
  assert.deepEqual(dead.address, at("a"));
  assert.equal(dead.what.kind === "message" && textOf(dead.what.message.value), "early");
});

test("a dead letter that is retried is sent again, as the same message", async () => {
  const { it, number } = await withDead();
  const next = await it.reopen({ functions: { [TYPE]: binding(), "test/new": binding() } });
  next.settle(next.operator({ kind: "retryDead", number }));
  assert.deepEqual(next.batch, ["early"]);
  assert.deepEqual(found(next), [next.started[0]?.invocation.messages[0]?.id]);
  assert.deepEqual([next.partition.ledger.dead, next.stored("dead").length], [0, 0]);
});

test("one that still cannot be sent is a dead letter again", async () => {
  const { it, number } = await withDead();
  it.settle(it.operator({ kind: "retryDead", number }));
  assert.equal(it.stored("dead").length, 1);
  assert.equal(it.partition.ledger.drift, 0);
});

test("two who decide about one dead letter at once decide about it once", async () => {
  const { it, number } = await withDead();
  it.settle(
    it.operator({ kind: "purgeDead", number }),
    it.operator({ kind: "retryDead", number }),
    it.operator({ kind: "purgeDead", number }),
  );
  assert.equal(found(it).filter((id) => id !== undefined).length, 1);
  assert.deepEqual([it.partition.ledger.dead, it.stored("dead").length], [0, 0]);
});

test("one that is purged is done", async () => {
  const { it, number } = await withDead();
  const finished = it.partition.ledger.finished;
  it.settle(it.operator({ kind: "purgeDead", number }));
  assert.equal(it.partition.ledger.finished, finished + 1);
  assert.equal(it.partition.ledger.drift, 0);
});

test("a number that no dead letter can have is not found, and stops nothing", async () => {
  const it = await Harness.open();
  for (const number of [2 ** 53, -1, 0.5, Number.NaN, 7]) {
    it.settle(it.operator({ kind: "purgeDead", number }));
    it.settle(it.operator({ kind: "retryDead", number }));
  }
  assert.deepEqual(found(it), new Array(10).fill(undefined));
});

test("a record its receiver refused is a dead letter that can be published again", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "x"));
  it.reply({ egress: ["1", "2"].map((text) => ({ egress: EGRESS, value: value(text) })) });
  it.settle();
  it.take("publish");
  const refused = [{ number: 2, reason: "too large" }];
  it.settle({ kind: "acknowledged", destination: `egress/${EGRESS}`, upTo: 2, refused });
  const [entry] = it.stored("dead");
  assert(entry !== undefined);
  const dead = decodeDead(entry.value);
  assert.deepEqual([dead.code, dead.reason, dead.egress], ["EGRESS_REFUSED", "too large", EGRESS]);
  it.settle(it.operator({ kind: "retryDead", number: readDeadKey(entry.key) }));
  const [again] = it.take("publish");
  assert.deepEqual(
    [again?.first, again?.records.map((record) => textOf(record.value))],
    [3, ["2"]],
  );
});

test("one can be sent to another function, with its id or another", async () => {
  const { it, number } = await withDead();
  it.settle(it.operator({ kind: "retryDead", number, to: { type: TYPE, id: undefined } }));
  assert.deepEqual([it.started.at(-1)?.invocation.target, it.batch], [at("b"), ["early"]]);
  const other = await withDead();
  const to = { type: TYPE, id: "c" };
  other.it.settle(other.it.operator({ kind: "retryDead", number: other.number, to }));
  assert.deepEqual(other.it.started.at(-1)?.invocation.target, at("c"));
  assert.deepEqual([other.it.stored("dead").length, other.it.partition.ledger.drift], [0, 0]);
});

test("one that is sent to where nobody is is refused, and stays", async () => {
  const { it, number } = await withDead();
  const to = { type: "test/nobody", id: undefined };
  it.settle(it.operator({ kind: "retryDead", number, to }));
  assert.match(it.take("refused")[0]?.reason ?? "", /no endpoint .* test\/nobody/);
  assert.deepEqual([it.stored("dead").length, it.partition.ledger.dead], [1, 1]);
});

test("a record that never had a key is not sent again without an address, and keeps its reason", async () => {
  const it = await Harness.open();
  const invalid = {
    ...{ reason: "the record has no key", key: undefined, traceparent: undefined },
    ...{ value: value("x"), headers: [] },
  };
  const records = [{ position: 0, messages: [], invalid }];
  it.settle({ kind: "source", source: "log/t/0", first: 0, next: 1, records });
  const [entry] = it.stored("dead");
  assert(entry !== undefined);
  const number = readDeadKey(entry.key);
  it.settle(it.operator({ kind: "retryDead", number }));
  assert.match(it.take("refused")[0]?.reason ?? "", /never had an address.* --to TYPE\/ID/);
  assert.deepEqual(it.stored("dead"), [entry]);
  it.settle(it.operator({ kind: "retryDead", number, to: at("a") }));
  assert.deepEqual(it.batch, ["x"]);
});
