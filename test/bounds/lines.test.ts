import assert from "node:assert/strict";
import { test } from "node:test";
import { LineLimit } from "../../src/telemetry/line-limit.ts";
import { createLogger } from "../../src/telemetry/logger.ts";

function logging() {
  const lines: { msg: string; leftOut?: number; attempt?: number; part?: string }[] = [];
  const clock = { nowMs: 1_000_000 };
  const write = (line: string) => void lines.push(JSON.parse(line));
  const logger = createLogger({ readable: false, write, now: () => clock.nowMs });
  return { lines, clock, logger };
}

test("of lines that say the same SAME_LINES are written in SAME_LINES_MS, and the next says how many were left out", () => {
  const { lines, clock, logger } = logging();
  const child = logger.child({ part: "egress" });
  for (let attempt = 1; attempt <= 50; attempt++) child.warn({ attempt }, "It is away.");
  logger.warn("Something else.");
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    [...new Array<string>(20).fill("It is away."), "Something else."],
  );
  clock.nowMs += 10_000;
  child.warn({ attempt: 51 }, "It is away.");
  child.warn({ attempt: 52 }, "It is away.");
  const [first, second] = lines.slice(-2);
  assert.deepEqual([first?.attempt, first?.leftOut, first?.part], [51, 30, "egress"]);
  assert.deepEqual([second?.attempt, second?.leftOut], [52, undefined]);
});

test("a clock that goes back silences nobody", () => {
  const limit = new LineLimit();
  for (let i = 0; i < 30; i++) limit.admit("x", 1_000_000);
  assert.equal(limit.admit("x", 0), 10);
});

test("LINE_TEXTS different texts are told apart; with more the count begins anew", () => {
  const limit = new LineLimit();
  for (let i = 0; i < 20; i++) limit.admit("x", 0);
  assert.equal(limit.admit("x", 0), undefined);
  for (let i = 0; i < 999; i++) limit.admit(`text ${i}`, 0);
  assert.equal(limit.admit("x", 0), undefined);
  limit.admit("one more", 0);
  assert.equal(limit.admit("x", 0), 0);
});
