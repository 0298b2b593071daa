import assert from "node:assert/strict";
import { test } from "node:test";
import { Lane } from "../../src/partition/lane.ts";
import { Mailbox } from "../../src/partition/mailbox.ts";
import { at, binding, TYPE } from "./harness.ts";

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
