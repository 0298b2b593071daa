import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointStatus } from "../../src/gateway/admin-port.ts";
import { type Stuck, Watch } from "../../src/node/watch.ts";
import type { ParkedRecord } from "../../src/store/records/parked.ts";
import { createLogger } from "../../src/telemetry/logger.ts";

/** A watch on what is put here, and what it says at each look. */
function world() {
  const endpoints = new Map<string, string | undefined>();
  const stuck: Stuck[] = [];
  let lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const logger = createLogger({ level: "info", readable: false, write });
  const watch = new Watch(
    {
      endpoints: async () => [...endpoints].map(([name, reason]) => endpointStatus(name, reason)),
      stuck: async () => stuck,
    },
    logger,
  );
  const look = async () => {
    lines = [];
    await watch.look();
    return lines.map((line) => {
      const { level, time, msg, ...fields } = JSON.parse(line);
      assert(level > 0 && time > 0 && msg !== "");
      return fields;
    });
  };
  return { endpoints, stuck, look };
}

const endpointStatus = (name: string, reason: string | undefined): EndpointStatus => ({
  ...{
    name,
    functions: name,
    target: "http://shop.example",
    transport: "async",
    inFlight: 0,
    frames: false,
  },
  ...{ circuit: reason === undefined ? "closed" : "open", reason, nextProbeAtMs: undefined },
});

const parkedAt = (id: string): ParkedRecord => ({
  ...{ address: { type: "demo/cart", id }, code: "FUNCTION_FAILED", reason: "boom" },
  ...{ sinceMs: 5, attempts: 3 },
});

test("an endpoint in trouble is named once, and once more when it answers again", async () => {
  const { endpoints, look } = world();
  endpoints.set("demo/*", undefined);
  assert.deepEqual(await look(), []);
  endpoints.set("demo/*", "connection refused");
  assert.deepEqual(await look(), [{ endpoint: "demo/*", reason: "connection refused" }]);
  assert.deepEqual(await look(), []);
  endpoints.set("demo/*", undefined);
  assert.deepEqual(await look(), [{ endpoint: "demo/*" }]);
  assert.deepEqual(await look(), []);
});

test("of addresses parked since the last look the latest is named, with how many there are", async () => {
  const { stuck, look } = world();
  const latest = parkedAt("17");
  stuck[0] = { partition: 0, parked: 2, latest, dead: 0 };
  const said = {
    ...{ partition: 0, address: "demo/cart/17", code: "FUNCTION_FAILED", reason: "boom" },
    parked: 2,
  };
  assert.deepEqual(await look(), [said]);
  stuck[0] = { partition: 0, parked: 1, latest, dead: 0 };
  assert.deepEqual(await look(), [], "one was retried");
  stuck[0] = { partition: 0, parked: 0, latest: undefined, dead: 0 };
  assert.deepEqual(await look(), []);
  stuck[0] = { partition: 0, parked: 1, latest: parkedAt("17"), dead: 0 };
  assert.deepEqual(await look(), [{ ...said, parked: 1 }], "and was parked again");
});

test("dead letters are told when there are more of them", async () => {
  const { stuck, look } = world();
  const dead = (count: number): Stuck => ({
    ...{ partition: 3, parked: 0, latest: undefined, dead: count },
  });
  stuck[0] = dead(4);
  assert.deepEqual(await look(), [{ partition: 3, dead: 4 }]);
  stuck[0] = dead(2);
  assert.deepEqual(await look(), []);
  stuck[0] = dead(3);
  assert.deepEqual(await look(), [{ partition: 3, dead: 3 }]);
});
