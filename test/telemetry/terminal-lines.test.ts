import assert from "node:assert/strict";
import { test } from "node:test";
import { formatLine } from "../../src/telemetry/terminal-lines.ts";

test("an error's stack is indented below its line", () => {
  const line = formatLine(
    '{"level":50,"time":0,"msg":"no","err":{"stack":"Error: x\\n  at y"}}\n',
    false,
  );
  assert.match(line, / ERROR no\n {4}Error: x\n {6}at y\n$/);
});

test("what is no JSON object comes through as it is", () => {
  assert.equal(formatLine("plain\n", false), "plain\n");
  assert.equal(formatLine("[1]\n", false), "[1]\n");
});

test("colours are only for terminals", () => {
  const line = '{"level":40,"time":0,"msg":"careful"}\n';
  assert(formatLine(line, true).includes("\u001b[33mWARN"));
  assert(!formatLine(line, false).includes("\u001b"));
});
