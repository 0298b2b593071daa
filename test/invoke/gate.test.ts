import assert from "node:assert/strict";
import { test } from "node:test";
import { type Deferred, deferred } from "../../src/base/deferred.ts";
import { Gate } from "../../src/invoke/gate.ts";
import type { Outcome } from "../../src/model/invocation.ts";
import { until } from "../support/until.ts";

const DONE: Outcome = { kind: "failed", reason: "done" };

/** Calls through a gate, in flight until they are let go. */
class Calls {
  readonly gate: Gate;
  readonly abort = new AbortController();
  readonly begun: string[] = [];
  readonly #open = new Map<string, Deferred<Outcome>>();

  constructor(perType: number, inAll: number) {
    this.gate = new Gate({ perType, inAll });
  }

  /** Named `type` and a number, such as `a1`. */
  start(name: string, signal = this.abort.signal): Promise<Outcome> {
    const request = async (): Promise<Outcome> => {
      const call = deferred<Outcome>();
      this.begun.push(name);
      this.#open.set(name, call);
      return await call.promise;
    };
    return this.gate.run(name.slice(0, 1), signal, () => this.gate.inTurn(signal, request));
  }

  /** Waits for the call to begin, and ends it. */
  async end(name: string): Promise<void> {
    const call = await until(`${name} to begin`, () => this.#open.get(name));
    call.resolve(DONE);
  }
}

test("a type that hangs keeps no other waiting", async () => {
  const calls = new Calls(2, 100);
  for (const name of ["a1", "a2", "a3", "a4"]) void calls.start(name);
  const other = calls.start("b1");
  assert.deepEqual(calls.begun, ["a1", "a2", "b1"]);
  await calls.end("b1");
  assert.deepEqual(await other, DONE);
});

test("a type's calls go in turn, when one of it has ended", async () => {
  const calls = new Calls(1, 100);
  const all = [calls.start("a1"), calls.start("a2"), calls.start("a3")];
  assert.deepEqual(calls.begun, ["a1"]);
  await calls.end("a1");
  await calls.end("a2");
  assert.deepEqual(calls.begun, ["a1", "a2"]);
  await calls.end("a3");
  await Promise.all(all);
  assert.deepEqual(calls.begun, ["a1", "a2", "a3"]);
});

test("all types together have no more calls in flight than the endpoint takes", async () => {
  const calls = new Calls(2, 3);
  for (const name of ["a1", "a2", "b1"]) void calls.start(name);
  const waiting = calls.start("c1");
  assert.deepEqual(calls.begun, ["a1", "a2", "b1"]);
  await calls.end("a1");
  await calls.end("c1");
  assert.deepEqual(await waiting, DONE);
});

test("only types with calls in flight are remembered", async () => {
  const calls = new Calls(1, 2);
  const running = [calls.start("a1"), calls.start("a2"), calls.start("b1")];
  assert.equal(calls.gate.types, 2);
  await calls.end("b1");
  await running[2];
  assert.equal(calls.gate.types, 1);
  await calls.end("a1");
  await running[0];
  await calls.end("a2");
  await running[1];
  assert.equal(calls.gate.types, 0);
});

test("an aborted signal ends the wait, for a slot of the type and of the endpoint", async () => {
  const calls = new Calls(1, 2);
  const first = calls.start("a1");
  const last = calls.start("b1");
  const abort = new AbortController();
  const waiting = [calls.start("a2", abort.signal), calls.start("c1", abort.signal)];
  abort.abort();
  for (const outcome of await Promise.all(waiting)) assert.equal(outcome.kind, "retryLater");
  assert.equal((await calls.start("d1", abort.signal)).kind, "retryLater");
  await calls.end("a1");
  await calls.end("b1");
  await Promise.all([first, last]);
  assert.deepEqual([calls.begun, calls.gate.types], [["a1", "b1"], 0]);
});

test("closing ends every wait, and nothing enters any more", async () => {
  const calls = new Calls(1, 1);
  void calls.start("a1");
  const waiting = [calls.start("a2"), calls.start("b1")];
  calls.gate.close();
  for (const outcome of await Promise.all(waiting)) assert.equal(outcome.kind, "retryLater");
  assert.equal((await calls.start("c1")).kind, "retryLater");
  assert.deepEqual(calls.begun, ["a1"]);
});

test("what a call throws is its outcome, and its slots are free again", async () => {
  const calls = new Calls(1, 1);
  const thrown = await calls.gate.run("a", calls.abort.signal, () =>
    Promise.reject(new Error("no")),
  );
  assert.deepEqual(thrown, { kind: "failed", reason: "the call could not be made: no" });
  void calls.start("a1");
  assert.deepEqual(calls.begun, ["a1"]);
});

test("a request that many calls share takes one slot of the endpoint, and is not sent for nobody", async () => {
  const calls = new Calls(1, 1);
  const first = calls.start("a1");
  let isOver = false;
  const sent: string[] = [];
  const send = (name: string) => async (): Promise<void> => {
    sent.push(name);
  };
  const shared = [
    calls.gate.shared(() => isOver, send("left")),
    calls.gate.shared(() => false, send("kept")),
  ];
  isOver = true;
  await calls.end("a1");
  await Promise.all([first, ...shared]);
  assert.deepEqual(sent, ["kept"]);
});
