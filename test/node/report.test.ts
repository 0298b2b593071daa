import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../support/until.ts";
import { aNode, NIGHT } from "./a-node.ts";
import { asleep } from "./functions/night.ts";

interface Endpoint {
  readonly name: string;
  readonly target: string;
  readonly circuit: string;
  readonly inFlight: number;
  readonly reason?: string;
  readonly nextProbeAtMs?: number;
}

test("an endpoint that is down is named with its reason, and the others go on", async (t) => {
  const node = await aNode(
    t,
    `
kind: io.statefun.endpoints.v2/http
spec: {functions: away/*, urlPathTemplate: "http://127.0.0.1:1/{function.name}?code=secret"}
---${NIGHT}`,
  );
  await node.send("away/fn/a", "hello");
  const find = async () => {
    const endpoints = await node.list<Endpoint>("endpoints");
    return endpoints.find(({ name }) => name === "away/*");
  };
  const away = await until("its circuit to be open", async () => {
    const found = await find();
    return found?.circuit === "open" && found;
  });
  assert.match(away.reason ?? "", /ECONNREFUSED/);
  assert.doesNotMatch(JSON.stringify(away), /secret/);
  assert.equal(away.target, "http://127.0.0.1:1/{function.name}");
  assert((away.nextProbeAtMs ?? 0) > 0);
  assert.equal(await node.call("test/counter/a", 1), 1);
  const [, embedded] = await node.list<Endpoint>("endpoints");
  assert.deepEqual([embedded?.circuit, embedded?.reason], ["closed", undefined]);
});

test("calls in flight are counted for their endpoint and their partition", async (t) => {
  const node = await aNode(t);
  const call = node.call("test/sleeper/report", "good night");
  const rest = await until("the sleeper", () => asleep.get("report"));
  assert.equal((await node.list<Endpoint>("endpoints"))[0]?.inFlight, 1);
  assert.equal((await node.list<{ inFlight: number }>("partitions"))[0]?.inFlight, 1);
  rest.resolve();
  await call;
  assert.equal((await node.list<Endpoint>("endpoints"))[0]?.inFlight, 0);
});
