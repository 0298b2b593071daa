import assert from "node:assert/strict";
import { test } from "node:test";
import { Circuit } from "../../src/partition/circuit.ts";

const half = () => 0.5;

function opened(nowMs: number): Circuit {
  const circuit = new Circuit(half);
  for (let i = 0; i < 5; i++) circuit.troubled(nowMs, "connection refused");
  assert.equal(circuit.state.kind, "open");
  return circuit;
}

test("five troubles in a row open it, and any answer in between starts the count anew", () => {
  const circuit = new Circuit(half);
  for (let i = 0; i < 4; i++) circuit.troubled(0, "reset");
  circuit.answered();
  for (let i = 0; i < 4; i++) circuit.troubled(0, "reset");
  assert.equal(circuit.state.kind, "closed");
  circuit.troubled(0, "reset");
  assert.equal(circuit.state.kind, "open");
  assert(!circuit.admits(0));
});

test("while it is open it says when it admits a probe, and admits one", () => {
  const circuit = opened(1_000);
  const wakeAtMs = circuit.wakeAtMs ?? 0;
  assert(wakeAtMs > 1_000);
  assert(!circuit.admits(wakeAtMs - 1));
  assert(circuit.admits(wakeAtMs));
  circuit.started();
  assert(!circuit.admits(wakeAtMs), "a second probe");
  assert.equal(circuit.wakeAtMs, undefined);
});

test("a probe that fails waits longer than the one before, up to a bound; one that is answered closes it", () => {
  const circuit = opened(0);
  const waits: number[] = [];
  for (let nowMs = 0, i = 0; i < 12; i++) {
    const wakeAtMs = circuit.wakeAtMs ?? 0;
    waits.push(wakeAtMs - nowMs);
    nowMs = wakeAtMs;
    circuit.started();
    circuit.troubled(nowMs, "refused");
  }
  assert.deepEqual(
    waits,
    [...waits].sort((a, b) => a - b),
  );
  assert.equal(waits.at(-1), 7_500);
  circuit.started();
  circuit.answered();
  assert.deepEqual(circuit.state, { kind: "closed", troubles: 0 });
});

test("an invocation that began before it opened tells nothing new", () => {
  const circuit = opened(0);
  const { wakeAtMs } = circuit;
  circuit.troubled(50, "refused");
  assert.equal(circuit.wakeAtMs, wakeAtMs);
});

test("a probe that was not sent after all is owed at once", () => {
  const circuit = opened(0);
  const wakeAtMs = circuit.wakeAtMs ?? 0;
  circuit.started();
  circuit.abandoned(wakeAtMs);
  assert(circuit.admits(wakeAtMs));
});

test("a clock that goes back does not make the wait longer than any wait", () => {
  const circuit = opened(10_000_000);
  assert(circuit.admits(0));
});
