import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../../src/telemetry/logger.ts";

test("for machines a line is one JSON object that names its part", () => {
  const lines: string[] = [];
  const logger = createLogger({ readable: false, write: (line) => lines.push(line) });
  logger.child({ part: "gateway" }).info({ port: 8080 }, "listening");
  const entry: unknown = JSON.parse(lines[0] ?? "");
  assert.deepEqual(
    { ...(entry as object), time: 0 },
    {
      level: 30,
      time: 0,
      part: "gateway",
      port: 8080,
      msg: "listening",
    },
  );
});

test("for people a line is a sentence with its fields behind it", () => {
  const lines: string[] = [];
  const logger = createLogger({ readable: true, write: (line) => lines.push(line) });
  logger.child({ part: "gateway" }).warn({ route: "call", why: "too much" }, "refused");
  assert.match(
    lines[0] ?? "",
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}gateway {2}refused {2}route=call why="too much"\n$/,
  );
});

test("below its level a logger is silent", () => {
  const lines: string[] = [];
  const logger = createLogger({ level: "warn", write: (line) => lines.push(line) });
  logger.info("nobody asked");
  assert.deepEqual(lines, []);
});
