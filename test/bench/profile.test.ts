import assert from "node:assert/strict";
import { test } from "node:test";
import { type CpuProfile, partOf, summarise } from "../../bench/support/profile.ts";
import { profileTables } from "../../bench/support/profile-table.ts";

const frame = (functionName: string, url = "", lineNumber = 0) => ({
  functionName,
  url,
  lineNumber,
});

const OURS = "file:///home/me/statefold/dist/src/partition/timers.js";

/** Samples 1 ms apart, from 1 s on. */
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame("(idle)") },
    { id: 2, callFrame: frame("fire", OURS, 88) },
    { id: 3, callFrame: frame("look", OURS, 9) },
    { id: 4, callFrame: frame("(garbage collector)") },
  ],
  startTime: 1_000_000,
  samples: [1, 2, 2, 3, 4, 1],
  timeDeltas: [1_000, 1_000, 1_000, 1_000, 1_000, 1_000],
};

test("time is summed by part and by function, most first, idle time apart", () => {
  assert.deepEqual(summarise(PROFILE), {
    busyMs: 4,
    idleMs: 2,
    parts: [
      { name: "src/partition", ms: 3 },
      { name: "(garbage collector)", ms: 1 },
    ],
    functions: [
      { name: "fire timers.js:89", ms: 2 },
      { name: "look timers.js:10", ms: 1 },
      { name: "(garbage collector)", ms: 1 },
    ],
  });
});

test("only what was sampled in a window counts", () => {
  const { busyMs, idleMs, functions } = summarise(PROFILE, {
    fromUs: 1_003_000,
    untilUs: 1_004_000,
  });
  assert.deepEqual([busyMs, idleMs], [2, 0]);
  assert.deepEqual(
    functions.map(({ name }) => name),
    ["fire timers.js:89", "look timers.js:10"],
  );
});

test("a script belongs to a folder of ours, a package, or a module of Node", () => {
  const parts = [
    [OURS, "src/partition"],
    ["file:///x/dist/src/index.js", "src"],
    ["file:///x/dist/bench/support/load.js", "bench/support"],
    ["file:///x/sdk/dist/context.js", "sdk"],
    ["file:///x/generated/stored.js", "generated"],
    ["/x/node_modules/undici/lib/core/util.js", "undici"],
    ["file:///x/node_modules/@scope/name/index.js", "@scope/name"],
    ["/x/node_modules/a/node_modules/b/index.js", "b"],
    ["node:internal/streams/readable", "node:streams"],
    ["node:net", "node:net"],
  ];
  for (const [url = "", part] of parts) assert.equal(partOf(frame("f", url)), part, url);
  assert.equal(partOf(frame("writev")), "(native)");
  assert.equal(partOf(frame("(program)")), "(program)");
});

test("the tables say how busy the thread was, and what that is for each of what was counted", () => {
  const text = profileTables("firing", summarise(PROFILE), { count: 2, unit: "timer" });
  assert.match(text, /^firing: main thread busy 4.00 of 6.00 ms \(67 %\)\n/);
  assert.match(text, /µs a timer/);
  assert.match(text, /src\/partition +3\.00 +75\.0 +1500\.00/);
});
