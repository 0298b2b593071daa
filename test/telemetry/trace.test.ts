import assert from "node:assert/strict";
import { test } from "node:test";
import { childOf, formatTraceparent, parseTraceparent } from "../../src/telemetry/trace.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

test("a traceparent is read and written back as it was", () => {
  const text = `00-${TRACE}-${PARENT}-01`;
  const context = parseTraceparent(text);
  assert.deepEqual(context, { traceId: TRACE, parentId: PARENT, flags: 1 });
  assert(context !== undefined);
  assert.equal(formatTraceparent(context), text);
});

test("a malformed traceparent is ignored", () => {
  const malformed = [
    undefined,
    "",
    "nonsense",
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-more`,
    ` 00-${TRACE}-${PARENT}-01`,
    `01-${TRACE}-${PARENT}-00-${"x".repeat(500)}`,
  ];
  for (const text of malformed) assert.equal(parseTraceparent(text), undefined, String(text));
});

test("a later version is read by its first four fields", () => {
  assert.equal(parseTraceparent(`01-${TRACE}-${PARENT}-00-what-comes`)?.traceId, TRACE);
});

test("a child stays in its trace and names its own step", () => {
  const child = childOf({ traceId: TRACE, parentId: PARENT, flags: 1 }, "b7ad6b7169203331");
  assert.equal(formatTraceparent(child), `00-${TRACE}-b7ad6b7169203331-01`);
});
