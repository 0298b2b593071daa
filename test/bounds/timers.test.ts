import assert from "node:assert/strict";
import { test } from "node:test";
import type { DelayedEffect } from "../../src/model/invocation.ts";
import { messageBytes } from "../../src/model/message.ts";
import { at, Harness, message, value } from "../partition/harness.ts";

const TARGET = at("timed");

const later = (text: string, delayMs: number, token = ""): DelayedEffect => ({
  ...{ kind: "send", target: TARGET, value: value(text.padEnd(1_000, ".")), delayMs, token },
});

const TIMER_BYTES = messageBytes(message("x", TARGET, "x".repeat(1_000)));

function fireAll(it: Harness, untilMs: number): string[] {
  const fired: string[] = [];
  while (it.nowMs < untilMs) {
    it.pass(1_000);
    for (; it.batch !== undefined; it.settle()) {
      fired.push(...it.batch.map((text) => text.replaceAll(".", "")));
      it.reply();
    }
  }
  return fired;
}

test("timerBytesInMemory bounds what timers weigh; later ones are on disk alone, and all fire in order", async () => {
  const limits = { timerBytesInMemory: 5 * TIMER_BYTES };
  const it = await Harness.open({ limits });
  const texts = Array.from({ length: 60 }, (_, i) => `${i}`);
  it.settle(it.send(at("a"), "schedule"));
  it.reply({ delayed: texts.map((text, i) => later(text, 1_000 * (i + 1))) });
  it.settle();
  assert(it.partition.timers.inMemory <= 10, `${it.partition.timers.inMemory} in memory`);
  assert(it.partition.timers.bytesInMemory <= 2 * limits.timerBytesInMemory);
  assert.deepEqual(fireAll(it, it.nowMs + 70_000), texts);
  assert.deepEqual([it.partition.ledger.timers, it.stored("timer").length], [0, 0]);
  assert.equal(it.partition.timers.bytesInMemory, 0);
});

test("a timer heavier than timerBytesInMemory is held all the same, alone", async () => {
  const it = await Harness.open({ limits: { timerBytesInMemory: 1 } });
  it.settle(it.send(at("a"), "schedule"));
  it.reply({ delayed: [later("b", 2_000), later("a", 1_000), later("c", 3_000)] });
  it.settle();
  assert.equal(it.partition.timers.inMemory, 1);
  assert.deepEqual(fireAll(it, it.nowMs + 5_000), ["a", "b", "c"]);
});

test("timers that are moved again and again hold no more memory than the bound", async () => {
  const limits = { timerBytesInMemory: 5 * TIMER_BYTES };
  const it = await Harness.open({ limits });
  for (let i = 0; i < 40; i++) {
    it.settle(it.send(at("a"), "again"));
    it.reply({ delayed: [later(`${i}`, 10_000, "token")] });
    it.settle();
    assert(it.partition.timers.bytesInMemory <= 2 * limits.timerBytesInMemory);
  }
  assert.deepEqual(fireAll(it, it.nowMs + 20_000), ["39"]);
});
