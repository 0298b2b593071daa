import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeStateEntry } from "../../src/model/persisted-value.ts";
import type { StartedInvocation } from "../../src/partition/ports.ts";
import { at, Harness, spec } from "./harness.ts";

const names = (started: StartedInvocation | undefined): string[] =>
  (started?.invocation.state ?? []).map((bytes) => decodeStateEntry(bytes).name).sort();

const incomplete = (...missing: readonly string[]) =>
  ({ kind: "incomplete", missing: missing.map((name) => spec(name)) }) as const;

test("a function that misses states is called again at once, with all it has declared", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  assert.deepEqual(names(it.started[0]), []);
  it.answer(incomplete("x", "y"));
  it.settle();
  assert.deepEqual(names(it.started[0]), ["x", "y"]);
  assert.equal(it.started[0]?.invocation.attempt, 1);
});

test("what was declared is known after a restart", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  it.answer(incomplete("x", "y"));
  it.settle();
  const next = await it.reopen();
  next.settle();
  assert.deepEqual(names(next.started[0]), ["x", "y"]);
});

test("several addresses may learn of the same states at once, and none is blamed", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"), it.send(at("b"), "1"), it.send(at("c"), "1"));
  it.answer(incomplete("x", "y"), "a");
  it.answer(incomplete("x", "y"), "b");
  it.answer(incomplete("x"), "c");
  it.settle();
  assert.equal(it.partition.delivery.counts.failed, 0);
  assert.equal(it.started.length, 3);
});

test("a function that keeps asking for what it was given has failed", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  it.answer(incomplete("x"));
  it.settle();
  it.answer(incomplete("x"));
  it.settle();
  assert.match(it.partition.parking.get(at("a"))?.reason ?? "", /keeps asking .*\(x\)/);
});

test("a state that changes its type has failed, and so has one too many", async () => {
  const it = await Harness.open({ limits: { statesPerType: 2 } });
  it.settle(it.send(at("a"), "1"), it.send(at("b"), "1"), it.send(at("c"), "1"));
  it.answer(incomplete("x"), "a");
  it.answer({ kind: "incomplete", missing: [spec("x", { typename: "other/type" })] }, "b");
  it.answer(incomplete("y", "z"), "c");
  it.settle();
  assert.match(it.partition.parking.get(at("b"))?.reason ?? "", /was of type test\/plain/);
  assert.match(it.partition.parking.get(at("c"))?.reason ?? "", /more than 2 states/);
});

test("a type name that no store could hold for long fails the declaration", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "1"));
  it.answer({ kind: "incomplete", missing: [spec("x", { typename: `t/${"x".repeat(2_000)}` })] });
  it.settle();
  assert.match(it.partition.parking.get(at("a"))?.reason ?? "", /type name has more than 1024/);
  assert.equal(it.stored("specs").length, 0);
});
