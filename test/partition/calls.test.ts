import assert from "node:assert/strict";
import { test } from "node:test";
import { CALL_TYPE } from "../../src/model/owner.ts";
import { at, binding, Harness, TYPE, textOf, value } from "./harness.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** The function answers whoever called, with this text. */
function replyToCaller(it: Harness, text: string): void {
  const caller = it.started[0]?.invocation.messages[0]?.caller;
  assert(caller !== undefined, "nobody called");
  it.reply({ messages: [{ target: caller, value: value(text) }] });
}

const replies = (it: Harness) =>
  it.take("replied").map(({ request, value: reply }) => [request, textOf(reply)]);

test("a caller gets the reply that the function sends to its caller, once that is durable", async () => {
  const it = await Harness.open();
  const call = it.call(at("a"), "hello");
  it.settle(call);
  replyToCaller(it, "welcome");
  assert.deepEqual(replies(it), []);
  it.completeCommit();
  assert.deepEqual(replies(it), [[call.request, "welcome"]]);
});

test("the first reply counts; a later one is dropped and counted", async () => {
  const it = await Harness.open();
  it.settle(it.call(at("a"), "hello"));
  const target = it.started[0]?.invocation.messages[0]?.caller;
  assert(target !== undefined);
  const messages = ["first", "second"].map((text) => ({ target, value: value(text) }));
  it.reply({ messages });
  it.settle();
  assert.deepEqual(
    replies(it).map(([, text]) => text),
    ["first"],
  );
  assert.equal(it.partition.calls.dropped, 1);
  assert.equal(it.partition.ledger.mail, 0);
});

test("a call that nobody can ask for leaves nothing in the store", async () => {
  const it = await Harness.open();
  it.settle(it.call(at("a"), "hello"));
  assert.deepEqual([it.stored("call").length, it.stored("once").length], [0, 0]);
});

test("a call that nobody was promised anything for is written by no commit, and its outcome is", async () => {
  const it = await Harness.open();
  it.settle(it.call(at("a"), "hello"));
  it.settle(it.send(at("b"), "that makes a commit"));
  assert.deepEqual([it.stored("mail").length, it.partition.ledger.fleeting], [1, 1]);
  replyToCaller(it, "welcome");
  it.settle();
  const { accepted, finished, mail, fleeting } = it.partition.ledger;
  // The call, its reply and the send.
  assert.deepEqual([accepted, finished, mail, fleeting], [3, 2, 1, 0]);
  assert.deepEqual(it.commit, undefined);
});

test("after a crash a call that its caller waited for never came", async () => {
  const it = await Harness.open();
  it.settle(it.call(at("a"), "gone"));
  it.settle(it.send(at("a"), "behind it"));
  const next = (await it.reopen()).settle();
  assert.deepEqual(
    next.started.map(({ invocation }) => invocation.messages.map((each) => textOf(each.value))),
    [["behind it"]],
  );
  const { accepted, finished, mail } = next.partition.ledger;
  assert.deepEqual([accepted, finished, mail], [1, 0, 1]);
});

test("a caller that leaves for good leaves its message durable", async () => {
  const it = await Harness.open();
  const call = it.call(at("a"), "hello");
  it.settle(call);
  assert.equal(it.stored("mail").length, 0);
  it.settle({ kind: "hangUp", request: call.request, keep: false });
  assert.equal(it.stored("mail").length, 1);
});

test("a call that was answered by somebody else is durable before its caller hears of it", async () => {
  const it = await Harness.open();
  it.settle(it.call(at("a"), "hello"));
  const target = it.started[0]?.invocation.messages[0]?.caller;
  assert(target !== undefined);
  it.settle(it.send(at("b"), "who was told of the call"));
  it.started.shift();
  it.reply({ messages: [{ target, value: value("in its stead") }] });
  it.settle();
  assert.deepEqual(
    replies(it).map(([, text]) => text),
    ["in its stead"],
  );
  assert.equal(it.stored("mail").length, 1);
});

test("a call that failed is durable while it waits to be tried again", async () => {
  const functions = { [TYPE]: binding({ retry: { maxAttempts: 3, initialMs: 10, maxMs: 10 } }) };
  const it = await Harness.open({ functions });
  it.settle(it.call(at("a"), "hello"));
  it.answer({ kind: "failed", reason: "not today" });
  it.settle();
  assert.deepEqual([it.stored("mail").length, it.partition.ledger.fleeting], [1, 0]);
});

test("a call behind more than an address holds in memory is durable at once", async () => {
  const limits = { mailboxMessagesInMemory: 1 };
  const it = await Harness.open({ limits });
  it.settle(it.call(at("a"), "first"), it.call(at("a"), "second"));
  assert.deepEqual([it.stored("mail").length, it.partition.ledger.fleeting], [1, 1]);
});

test("where functions are called only with what is durable, a call is written", async () => {
  const functions = { [TYPE]: binding({ delivery: "committed" }) };
  const it = await Harness.open({ functions });
  it.settle(it.call(at("a"), "hello"));
  assert.equal(it.stored("mail").length, 1);
  assert.equal(it.started.length, 1);
});

test("a caller that gives up is told pending only when that is durable, and the reply is kept", async () => {
  const it = await Harness.open();
  const { request } = it.call(at("a"), "hello");
  it.settle({ ...it.call(at("a"), "hello"), request });
  it.turn({ kind: "hangUp", request, keep: true });
  assert.deepEqual(it.take("pending"), []);
  it.completeCommit();
  const [pending] = it.take("pending");
  assert.equal(pending?.request, request);
  replyToCaller(it, "late");
  it.settle();
  assert.deepEqual(replies(it), []);
  const next = await it.reopen();
  const fetch = next.fetch(pending?.callId ?? "");
  next.settle(fetch);
  assert.deepEqual(replies(next), [[fetch.request, "late"]]);
});

test("whoever fetches a call before its reply waits for it", async () => {
  const it = await Harness.open();
  const call = it.call(at("a"), "hello");
  it.settle(call, { kind: "hangUp", request: call.request, keep: true });
  const [pending] = it.take("pending");
  const fetch = it.fetch(pending?.callId ?? "");
  it.settle(fetch);
  assert.deepEqual(it.released, []);
  replyToCaller(it, "late");
  it.settle();
  assert.deepEqual(replies(it), [[fetch.request, "late"]]);
});

test("a caller that leaves for good is answered nothing, and its reply is dropped", async () => {
  const it = await Harness.open();
  const call = it.call(at("a"), "hello");
  it.settle(call);
  it.settle({ kind: "hangUp", request: call.request, keep: false });
  replyToCaller(it, "nobody listens");
  it.settle();
  assert.deepEqual(it.released, []);
  assert.equal(it.partition.calls.dropped, 1);
});

test("a call that was never made is unknown", async () => {
  const it = await Harness.open();
  const fetch = it.fetch("0-1-1-nobody");
  it.settle(fetch);
  assert.deepEqual(it.take("unknownCall"), [{ kind: "unknownCall", request: fetch.request }]);
});

test("the same idempotency key sends once, and gives the same answer", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1", { key: "k" }), it.send(at("a"), "1", { key: "k" }));
  it.settle(it.send(at("a"), "1", { key: "k" }));
  const next = await it.reopen();
  next.settle(next.send(at("a"), "1", { key: "k" }));
  const answers = [...it.take("accepted"), ...next.take("accepted")];
  assert.equal(answers.length, 4);
  assert.equal(new Set(answers.map(({ messageId }) => messageId)).size, 1);
  assert.equal(next.partition.ledger.accepted, 1);
});

test("a key belongs to the address it was used with", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1", { key: "k" }), it.send(at("b"), "1", { key: "k" }));
  assert.equal(it.partition.ledger.accepted, 2);
});

test("no answer to a repeated key leaves before the first is durable", async () => {
  const it = await Harness.open();
  it.turn(it.send(at("a"), "1", { key: "k" }));
  it.answerRead(); // accepted; its commit runs
  assert(it.commit !== undefined);
  it.turn(it.send(at("a"), "1", { key: "k" }));
  assert.deepEqual(it.take("accepted"), []);
  it.completeCommit();
  assert.equal(it.take("accepted").length, 2);
});

test("the same idempotency key gives the same reply, before and after it came", async () => {
  const it = await Harness.open();
  const [first, second] = [it.call(at("a"), "1", "k"), it.call(at("a"), "1", "k")];
  it.settle(first, second);
  replyToCaller(it, "done");
  it.settle();
  assert.deepEqual(replies(it), [
    [first.request, "done"],
    [second.request, "done"],
  ]);
  const next = await it.reopen();
  const third = next.call(at("a"), "1", "k");
  next.settle(third);
  assert.deepEqual(replies(next), [[third.request, "done"]]);
});

test("a caller with a key that leaves while the key is looked up can ask again", async () => {
  const it = await Harness.open();
  const call = it.call(at("a"), "1", "k");
  it.turn(call);
  it.turn({ kind: "hangUp", request: call.request, keep: false });
  it.settle();
  replyToCaller(it, "done");
  it.settle();
  const again = it.call(at("a"), "1", "k");
  it.settle(again);
  assert.deepEqual(replies(it), [[again.request, "done"]]);
});

test("a key may be used anew when its time is over, however late the sweep", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1", { key: "k" }));
  it.nowMs += DAY_MS - 1;
  it.settle(it.send(at("a"), "1", { key: "k" }));
  assert.equal(it.partition.ledger.accepted, 1);
  it.nowMs += 1;
  it.turn(it.send(at("a"), "1", { key: "k" }));
  it.settle();
  assert.equal(it.partition.ledger.accepted, 2);
  it.nowMs += 20_000;
  it.settle();
  assert.equal(it.stored("once").length, 1, "the sweep of the first use took the second's record");
});

test("keys and replies leave the store when their time is over", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1", { key: "k" }));
  it.settle(it.call(at("b"), "1", "k"));
  it.reply({}, "a");
  replyToCaller(it, "done");
  it.settle();
  it.nowMs += DAY_MS;
  it.settle().pass(30_000);
  const left = (["once", "call", "expiry"] as const).map((tag) => it.stored(tag).length);
  assert.deepEqual(left, [0, 0, 0]);
});

test("a reply that comes after the call's time reaches who waits, and leaves nothing behind", async () => {
  const it = await Harness.open();
  const call = it.call(at("a"), "1", "k");
  it.settle(call);
  it.nowMs += DAY_MS;
  it.settle().pass(30_000);
  replyToCaller(it, "very late");
  it.settle();
  assert.deepEqual(replies(it), [[call.request, "very late"]]);
  assert.equal(it.stored("call").length, 0);
});

test("a key that was used for a send has no reply for a call", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1", { key: "k" }));
  it.settle(it.call(at("a"), "1", "k"));
  assert.equal(it.take("refused")[0]?.code, "REQUEST_INVALID");
});

test("a message to a call that no partition can have made is a dead letter", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  it.reply({ messages: [{ target: { type: CALL_TYPE, id: "x" }, value: value("?") }] });
  it.settle();
  assert.equal(it.partition.ledger.dead, 1);
});

test("a caller that gives up after its key's time is over still gets what it is promised", async () => {
  const it = await Harness.open();
  const call = it.call(at("a"), "hello", "k");
  it.settle(call);
  it.pass(2 * DAY_MS);
  it.settle({ kind: "hangUp", request: call.request, keep: true });
  const [pending] = it.take("pending");
  assert(pending !== undefined);
  replyToCaller(it, "late");
  it.settle();
  const fetch = it.fetch(pending.callId);
  it.settle(fetch);
  assert.deepEqual(replies(it), [[fetch.request, "late"]]);
});

test("a key is swept though the clock went back while the sweep looked at it", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1", { key: "k" }));
  it.nowMs += DAY_MS;
  it.turn(); // the sweep asks what is due …
  it.answerRead(); // … and for each record
  it.nowMs -= DAY_MS / 2;
  it.settle();
  assert.equal(it.stored("once").length, 1);
  it.nowMs += DAY_MS;
  it.settle().pass(30_000);
  assert.deepEqual([it.stored("once").length, it.stored("expiry").length], [0, 0]);
});

test("nobody waits for a reply that was dropped, though the clock went back since", async () => {
  const it = await Harness.open();
  const { request } = it.call(at("a"), "hello");
  it.settle({ ...it.call(at("a"), "hello"), request });
  it.settle({ kind: "hangUp", request, keep: true });
  const [pending] = it.take("pending");
  assert(pending !== undefined);
  it.nowMs += DAY_MS - 1_000;
  it.settle(); // the last sweep before its time is over
  it.nowMs += 2_000;
  replyToCaller(it, "too late");
  it.settle();
  assert.equal(it.partition.calls.dropped, 1);
  it.nowMs -= 5_000;
  const fetch = it.fetch(pending.callId);
  it.settle(fetch);
  assert.deepEqual(it.take("unknownCall"), [{ kind: "unknownCall", request: fetch.request }]);
});

test("a reply stored by a clock that went back leaves the store, too", async () => {
  const it = await Harness.open();
  it.settle(it.call(at("a"), "hello", "k"));
  it.nowMs += DAY_MS;
  it.settle().pass(30_000);
  it.nowMs -= DAY_MS / 2;
  replyToCaller(it, "late");
  it.settle();
  it.nowMs += 2 * DAY_MS;
  it.settle().pass(30_000);
  assert.deepEqual([it.stored("call").length, it.stored("expiry").length], [0, 0]);
});

test("a call's id holds more chance than anyone can guess", async () => {
  const it = await Harness.open();
  it.settle(it.call(at("a"), "1"));
  const id = it.started[0]?.invocation.messages[0]?.caller?.id ?? "";
  assert.match(id, /^0-\d+-\d+-[\w-]{22}$/);
});
