import assert from "node:assert/strict";
import { test } from "node:test";
import { CALL_TYPE } from "../../src/model/owner.ts";
import { Lane } from "../../src/partition/lane.ts";
import { Mailbox, pendingOf } from "../../src/partition/mailbox.ts";
import { at, binding, message, TYPE } from "./harness.ts";

const lane = (concurrency: number) => new Lane(TYPE, binding({ concurrency }), () => 0.5);
const mailbox = (id: string) => new Mailbox(at(id), `${TYPE}/${id}`, 10);

test("addresses are served in the order they became ready", () => {
  const it = lane(10);
  const [a, b] = [mailbox("a"), mailbox("b")];
  it.enqueue(a);
  it.enqueue(b);
  assert.deepEqual([it.next(0), it.next(0), it.next(0)], [a, b, undefined]);
});

test("no more are called at once than the type allows", () => {
  const it = lane(1);
  it.enqueue(mailbox("a"));
  it.enqueue(mailbox("b"));
  assert(it.next(0) !== undefined);
  assert.equal(it.next(0), undefined);
  it.running--;
  assert(it.next(0) !== undefined);
});

test("nobody is called while the circuit is open, and one is when it asks for a probe", () => {
  const it = lane(10);
  for (let i = 0; i < 5; i++) it.circuit.troubled(0, "refused");
  it.enqueue(mailbox("a"));
  it.enqueue(mailbox("b"));
  assert.equal(it.next(0), undefined);
  const probeAtMs = it.circuit.wakeAtMs ?? 0;
  assert(it.next(probeAtMs) !== undefined);
  assert.equal(it.next(probeAtMs), undefined);
});

test("an address that is no longer ready when its turn comes is passed over", () => {
  const it = lane(10);
  const [a, b] = [mailbox("a"), mailbox("b")];
  it.enqueue(a);
  it.enqueue(b);
  a.phase = { kind: "parked" };
  assert.equal(it.next(0), b);
  assert.equal(it.running, 1);
});

/** An address whose next message is from this function instance. */
function toldBy(sender: string, id: string): Mailbox {
  const told = mailbox(id);
  const sent = { ...message(id, at(id)), caller: at(sender) };
  told.append(pendingOf(sent, 1, 1), true);
  return told;
}

test("all whom one function instance told something stand in line as one", () => {
  const it = lane(100);
  const crowd = ["1", "2", "3", "4"].map((id) => toldBy("teller", id));
  for (const each of crowd) it.enqueue(each);
  const [a, b, other] = [mailbox("a"), mailbox("b"), toldBy("another", "c")];
  for (const each of [a, b, other]) it.enqueue(each);
  const [first, second, third, fourth] = crowd;
  const served = Array.from({ length: 8 }, () => it.next(0));
  assert.deepEqual(served, [first, a, b, other, second, third, fourth, undefined]);
  assert.equal(it.ready, 0);
});

test("one of those told by the same who is no longer ready takes no turn from the others", () => {
  const it = lane(100);
  const [first, gone, third] = ["1", "2", "3"].map((id) => toldBy("teller", id));
  assert(first !== undefined && gone !== undefined && third !== undefined);
  for (const each of [first, gone, third]) it.enqueue(each);
  const a = mailbox("a");
  it.enqueue(a);
  assert.deepEqual([it.next(0), it.next(0)], [first, a]);
  it.enqueue(a);
  gone.phase = { kind: "parked" };
  assert.deepEqual([it.next(0), it.next(0), it.next(0)], [third, a, undefined]);
  assert.equal(it.ready, 0);
});

test("callers outside stand in line one by one", () => {
  const it = lane(100);
  const called = (id: string): Mailbox => {
    const box = mailbox(id);
    const sent = { ...message(id, at(id)), caller: { type: CALL_TYPE, id: "0-1" } };
    box.append(pendingOf(sent, 1, 1), true);
    return box;
  };
  const [a, b, c] = [called("a"), called("b"), mailbox("c")];
  for (const each of [a, b, c]) it.enqueue(each);
  assert.deepEqual([it.next(0), it.next(0), it.next(0)], [a, b, c]);
});
