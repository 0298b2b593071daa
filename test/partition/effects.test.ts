import assert from "node:assert/strict";
import { test } from "node:test";
import type { DelayedEffect, Effects } from "../../src/model/invocation.ts";
import { decodeDead } from "../../src/store/records/dead.ts";
import { decodeTimer } from "../../src/store/records/timer.ts";
import { at, EGRESS, Harness, spec, TYPE, textOf, value } from "./harness.ts";

const later = (text: string, delayMs: number, token: string): DelayedEffect => ({
  ...{ kind: "send", target: at("timed"), value: value(text), delayMs, token },
});

const cancel = (token: string): DelayedEffect => ({ kind: "cancel", token });

/** A message of an address is answered with these effects. */
function does(it: Harness, id: string, some: Partial<Effects>, type = TYPE): void {
  it.settle(it.send(at(id, type), "do"));
  it.reply(some, id);
  it.settle();
}

const timers = (it: Harness) =>
  it.stored("timer").map((entry) => textOf(decodeTimer(entry.value).message.value));

test("a sent message names its caller, its cause and a new id", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "first"));
  const { invocation } = it.reply({ messages: [{ target: at("b"), value: value("second") }] });
  it.settle();
  const [sent] = it.started[0]?.invocation.messages ?? [];
  assert.deepEqual(sent?.caller, at("a"));
  assert.equal(sent?.causeId, invocation.messages[0]?.id);
  assert.notEqual(sent?.id, sent?.causeId);
});

test("a token that is in use moves to the new timer, and the earlier one is cancelled", async () => {
  const it = await Harness.open();
  does(it, "a", { delayed: [later("first", 5_000, "t")] });
  does(it, "a", { delayed: [later("second", 9_000, "t")] });
  assert.deepEqual(timers(it), ["second"]);
  does(it, "a", { delayed: [cancel("t")] });
  assert.deepEqual(timers(it), []);
  assert.equal(it.stored("token").length, 0);
});

test("a token may be used, moved and cancelled within one answer, in its order", async () => {
  const it = await Harness.open();
  const delayed = [later("1", 5_000, "t"), later("2", 5_000, "t"), cancel("t")];
  does(it, "a", { delayed: [...delayed, later("3", 5_000, "t")] });
  assert.deepEqual(timers(it), ["3"]);
});

test("tokens are scoped to the id of whoever schedules", async () => {
  const it = await Harness.open();
  does(it, "a", { delayed: [later("a's", 5_000, "t")] });
  does(it, "b", { delayed: [cancel("t")] });
  assert.deepEqual(timers(it), ["a's"]);
});

test("a token that has fired, or was never used, cancels nothing", async () => {
  const it = await Harness.open();
  does(it, "a", { delayed: [later("1", 10, "t"), later("2", 50_000, "")] });
  it.pass(100);
  it.reply({}, "timed");
  it.settle();
  assert.equal(it.stored("token").length, 0);
  does(it, "a", { delayed: [cancel("t"), cancel("never"), cancel("")] });
  assert.deepEqual(timers(it), ["2"]);
});

test("cancellations work across a restart", async () => {
  const it = await Harness.open();
  does(it, "a", { delayed: [later("1", 5_000, "t")] });
  const next = await it.reopen();
  does(next, "a", { delayed: [cancel("t")] });
  assert.deepEqual(timers(next), []);
});

test("a delay longer than a hundred years is taken as a hundred years", async () => {
  const it = await Harness.open();
  does(it, "a", { delayed: [later("x", 2 ** 52, "")] });
  assert.deepEqual(timers(it), ["x"]);
});

test("a state that was never declared, or of another type, fails the batch, and nothing of it is applied", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "x"), it.send(at("b"), "x"));
  it.answer({ kind: "incomplete", missing: [spec("known")] }, "a");
  it.settle();
  const messages = [{ target: at("c"), value: value("never sent") }];
  const wrongType = value("x", "other/type");
  it.reply({ messages, mutations: [{ name: "unknown", value: value("x") }] }, "a");
  it.reply({ messages, mutations: [{ name: "known", value: wrongType }] }, "b");
  it.settle();
  assert.match(it.partition.parking.get(at("a"))?.reason ?? "", /"unknown" that it never declared/);
  assert.match(it.partition.parking.get(at("b"))?.reason ?? "", /declared is test\/plain/);
  assert.equal(it.partition.ledger.accepted, 2);
});

test("what cannot be routed is a dead letter by itself, and the rest of the answer is applied", async () => {
  const it = await Harness.open();
  does(it, "a", {
    messages: [
      { target: at("x", "test/nobody"), value: value("unknown type") },
      { target: at("", TYPE), value: value("no id") },
      { target: at("x", "no type name"), value: value("no type") },
      { target: at("b"), value: value("fine") },
    ],
    egress: [
      { egress: "test/nowhere", value: value("unknown egress") },
      { egress: EGRESS, value: value("x", "bad") },
      { egress: EGRESS, value: value("fine") },
    ],
  });
  const dead = it.stored("dead").map((entry) => decodeDead(entry.value).code);
  assert.deepEqual(dead, [
    ...["TARGET_UNKNOWN", "TARGET_INVALID", "TARGET_INVALID"],
    ...["EGRESS_UNKNOWN", "EGRESS_VALUE_INVALID"],
  ]);
  assert.deepEqual(it.batch, ["fine"]);
  assert.deepEqual(
    it.take("publish").map(({ records }) => records.map((record) => textOf(record.value))),
    [["fine"]],
  );
});

test("a cancellation token that no key can hold fails the batch", async () => {
  const it = await Harness.open();
  does(it, "a", { delayed: [later("x", 1, "t".repeat(5_000))] });
  assert.match(it.partition.parking.get(at("a"))?.reason ?? "", /token has more than 4096/);
});

test("an answer whose effects would outgrow an epoch fails its batch, however small it is itself", async () => {
  const limits = { effectsBytes: 100_000, epochBytes: 100_000 };
  const it = await Harness.open({ limits });
  const long = "i".repeat(4_000);
  const messages = Array.from({ length: 50 }, () => ({ target: at("b"), value: value("") }));
  does(it, long, { messages });
  assert.match(it.partition.parking.get(at(long))?.reason ?? "", /more than 100000 bytes/);
  const metadata = { trace: new Uint8Array(200_000) };
  does(it, "a", { messages: [{ target: at("b"), value: { ...value(""), metadata } }] });
  assert.match(it.partition.parking.get(at("a"))?.reason ?? "", /more than 100000 bytes/);
  does(it, "c", { egress: [{ egress: "n".repeat(60_000), value: value("") }] });
  assert.match(it.partition.parking.get(at("c"))?.reason ?? "", /more than 100000 bytes/);
  assert.equal(it.stored("dead").length, 0);
  does(it, "d", { messages });
  assert.equal(it.started[0]?.invocation.messages.length, 50);
});
