import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import { Courier, type RoundEnding, type RoundListener } from "../../src/invoke/frames-courier.ts";
import { Parcel } from "../../src/invoke/frames-round.ts";
import type { Invocation, Outcome } from "../../src/model/invocation.ts";
import { aMessage, anInvocation } from "./invocations.ts";

const { FromFunctions, ToFunctions } = io.statefun.sdk.reqreply;

/** A request that is under way. */
interface Sent {
  readonly frames: readonly number[];
  readonly bytes: number;
  readonly listener: RoundListener;
  isCancelled: boolean;
}

class ToldParcel extends Parcel {
  readonly settle: (outcome: Outcome | undefined) => void;

  constructor(invocation: Invocation, settle: (outcome: Outcome | undefined) => void) {
    super(invocation);
    this.settle = settle;
  }
}

/** A courier with time, wire and server in the test's hands. */
class Stage {
  nowMs = 0;
  readonly sent: Sent[] = [];
  readonly courier: Courier;
  readonly settled: (readonly [id: string, what: string])[] = [];
  #soon: (() => void)[] = [];
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  constructor(isAssumed = true) {
    this.courier = new Courier({
      post: (body, listener) => {
        const frames = ToFunctions.decode(body).calls.map(({ frame }) => frame ?? 0);
        const sent: Sent = { frames, bytes: body.byteLength, listener, isCancelled: false };
        this.sent.push(sent);
        return () => {
          sent.isCancelled = true;
        };
      },
      soon: (run) => this.#soon.push(run),
      after: (delayMs, run) => {
        const timer = { atMs: this.nowMs + delayMs, run };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((each) => each !== timer);
        };
      },
      nowMs: () => this.nowMs,
      ...{ from: "test", isAssumed, answerMaxBytes: 1_000_000 },
    });
  }

  call(id: string, bytes = 0): Parcel {
    const target = { type: "demo/fn", id };
    const value = { typename: "demo/blob", hasValue: true, value: Buffer.alloc(bytes) };
    const invocation = anInvocation({ target, messages: [aMessage({ value })] });
    const parcel = new ToldParcel(invocation, (outcome) =>
      this.settled.push([id, outcome?.kind ?? "alone"]),
    );
    this.courier.take(parcel);
    return parcel;
  }

  calls(count: number, bytes = 0): void {
    for (let i = 0; i < count; i++) this.call(`id-${i}`, bytes);
  }

  /** What is due soon, and in so long. */
  pass(ms = 0): void {
    this.nowMs += ms;
    for (const run of this.#soon.splice(0)) run();
    const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs);
    this.#timers = this.#timers.filter((each) => !due.includes(each));
    for (const { run } of due) run();
    if (this.#soon.length > 0) this.pass();
  }

  answer(sent: Sent | undefined, frames = sent?.frames ?? []): void {
    sent?.listener.begun();
    const answers = frames.map((frame) => ({ frame }));
    sent?.listener.took(Buffer.from(FromFunctions.encode({ answers }).finish()));
  }

  end(sent: Sent | undefined, ending: RoundEnding = { kind: "answered" }): void {
    sent?.listener.ended(ending);
    this.pass();
  }

  /** A request that is answered. */
  serve(sent: Sent | undefined): void {
    this.answer(sent);
    this.end(sent);
  }
}

const REFUSED: RoundEnding = { kind: "refused", isTooLarge: false };

test("what is asked for in one go leaves in one request", () => {
  const stage = new Stage();
  stage.calls(3);
  assert.deepEqual(stage.sent, []);
  stage.pass();
  assert.deepEqual(
    stage.sent.map(({ frames }) => frames),
    [[1, 2, 3]],
  );
});

test("ROUNDS_AT_ONCE requests at a time; one that is answered makes room before it has ended", () => {
  const stage = new Stage();
  for (const id of ["a", "b", "c"]) {
    stage.call(id);
    stage.pass();
  }
  assert.equal(stage.sent.length, 2);
  stage.answer(stage.sent[0]);
  stage.pass();
  assert.equal(stage.sent.length, 3);
  stage.end(stage.sent[0]);
  stage.call("d");
  stage.pass();
  assert.equal(stage.sent.length, 3);
});

test("a request that has been under way for LINGER_MS holds up no other", () => {
  const stage = new Stage();
  for (const id of ["a", "b", "c"]) {
    stage.call(id);
    stage.pass();
  }
  stage.pass(19);
  assert.equal(stage.sent.length, 2);
  stage.pass(1);
  assert.equal(stage.sent.length, 3);
});

test("a request holds CALLS_MAX calls, and REQUEST_BYTES", () => {
  const stage = new Stage();
  stage.calls(300);
  stage.pass();
  assert.deepEqual(
    stage.sent.map(({ frames }) => frames.length),
    [256, 44],
  );
  for (const sent of stage.sent) stage.serve(sent);
  stage.calls(9, 100_000);
  stage.pass();
  const [first, second] = stage.sent.slice(2);
  assert.deepEqual([first?.frames.length, second?.frames.length], [5, 4]);
  assert((first?.bytes ?? 0) <= 512 * 1024);
});

test("a place that takes no large requests gets smaller ones, of REQUEST_MIN_BYTES at least", () => {
  const stage = new Stage();
  for (let i = 0; i < 10; i++) {
    stage.calls(2, 1_000);
    stage.pass();
    stage.end(stage.sent.at(-1), { kind: "refused", isTooLarge: true });
  }
  assert(stage.courier.isOpen);
  stage.calls(40, 1_000);
  stage.pass();
  const { frames, bytes } = stage.sent.at(-1) as Sent;
  assert(frames.length > 1 && bytes <= 16 * 1024, `${frames.length} calls of ${bytes} bytes`);
});

test("a head that does not come within HELD_MS: what follows goes alone, what is under way is waited for", () => {
  const stage = new Stage();
  stage.call("slow");
  stage.pass();
  stage.pass(20);
  stage.pass(1_979);
  assert(stage.courier.isOpen);
  stage.call("waiting");
  stage.pass(1);
  assert(!stage.courier.isOpen);
  stage.serve(stage.sent[0]);
  assert.deepEqual(
    stage.settled.find(([id]) => id === "slow"),
    ["slow", "reply"],
  );
});

test("a head that is there in time is no sign of anything, however slow the functions are", () => {
  const stage = new Stage();
  stage.call("slow");
  stage.pass();
  stage.sent[0]?.listener.begun();
  stage.pass(20);
  stage.pass(60_000);
  assert(stage.courier.isOpen);
});

test("what waits when a place turns out not to understand goes alone", () => {
  const stage = new Stage();
  for (const id of ["a", "b", "c", "d"]) {
    stage.call(id);
    stage.pass();
  }
  stage.end(stage.sent[0], REFUSED);
  assert.deepEqual(stage.settled, [
    ["a", "alone"],
    ["c", "alone"],
    ["d", "alone"],
  ]);
  stage.serve(stage.sent[1]);
  assert.deepEqual(stage.settled.at(-1), ["b", "reply"]);
});

test("an answer settles its own call, once", () => {
  const stage = new Stage();
  for (const id of ["a", "b", "c"]) stage.call(id);
  stage.pass();
  const [sent] = stage.sent;
  stage.answer(sent, [3]);
  assert.deepEqual(stage.settled, [["c", "reply"]]);
  stage.answer(sent, [3, 1]);
  stage.end(sent, { kind: "trouble", reason: "cut off" });
  assert.deepEqual(stage.settled, [
    ["c", "reply"],
    ["a", "reply"],
    ["b", "retryLater"],
  ]);
});

test("a cancelled call is neither sent nor settled; a request of cancelled calls alone is given up", () => {
  const stage = new Stage();
  const [first, second, third] = [stage.call("a"), stage.call("b"), stage.call("c")];
  stage.courier.cancel(first);
  stage.pass();
  const [sent] = stage.sent;
  assert.deepEqual(sent?.frames, [1, 2]);
  stage.courier.cancel(second);
  assert.equal(sent?.isCancelled, false);
  stage.courier.cancel(third);
  assert.equal(sent?.isCancelled, true);
  stage.serve(sent);
  assert.deepEqual(stage.settled, []);
  for (const id of ["d", "e", "f"]) {
    stage.call(id);
    stage.pass();
  }
  assert.equal(stage.sent.length, 3); // it does not count any more
});

test("frames are offered, refused, and offered again", () => {
  const stage = new Stage(false);
  assert(!stage.courier.isOpen);
  stage.courier.offered();
  assert(stage.courier.isOpen);
  stage.call("a");
  stage.pass();
  stage.end(stage.sent[0], REFUSED);
  assert(!stage.courier.isOpen);
  stage.courier.offered();
  assert(!stage.courier.isOpen); // not believed at once
  stage.nowMs += 1_000;
  stage.courier.offered();
  assert(stage.courier.isOpen);
});
