import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import { builtinFromJson } from "../../src/model/builtin-types.ts";
import { startFakeNode } from "../gateway/fake-node.ts";
import { cli } from "./fake-io.ts";

const address = (id: string) => ({ type: "demo/counter", id });
const row = (id: string) => ({
  address: address(id),
  ...{ stateBytes: 1_536, pending: 2, parked: id === "b" },
});
const parked = (id: string) => ({
  address: address(id),
  ...{ code: "FUNCTION_FAILED", reason: "boom\nat x", sinceMs: 0, attempts: 3, pending: 2 },
});
const dead = (id: string) => ({
  id,
  address: address("a"),
  target: { type: "demo/nobody", id: "a" },
  ...{ code: "TARGET_UNKNOWN", reason: "nobody", atMs: 0, attempts: 1, kind: "message" as const },
  ...{ valueType: "demo/x", source: "orders/0@7", egress: undefined },
});

test("addresses are listed in columns, of one type when asked", async (t) => {
  const { url, admin } = await startFakeNode(t);
  assert.equal((await cli(url, ["addresses"])).err, "no addresses yet\n");
  admin.addressItems = [row("a"), row("b"), row("\u001b[31m")];
  const { out } = await cli(url, ["addresses"]);
  assert.equal(
    out,
    "TYPE          ID          STATE    WAITING\n" +
      "demo/counter  a           1.5 KiB        2\n" +
      "demo/counter  b           1.5 KiB        2  parked\n" +
      "demo/counter  \\u001b[31m  1.5 KiB        2\n",
  );
  assert.equal((await cli(url, ["addresses", "demo/other"])).out, "");
});

test("a long list goes over many pages, and says when there is more", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.addressItems = Array.from({ length: 2_100 }, (_, i) => row(String(i)));
  const some = await cli(url, ["addresses", "--json"]);
  assert.equal((JSON.parse(some.out) as unknown[]).length, 1_000);
  assert.match(some.err, /the first 1000; --limit N shows more/);
  const all = await cli(url, ["addresses", "--json", "--limit", "5000"]);
  assert.equal((JSON.parse(all.out) as unknown[]).length, 2_100);
  assert.equal(all.err, "");
});

test("a state is printed by name, type and value", async (t) => {
  const { url, admin } = await startFakeNode(t);
  const type = "io.statefun.types/int";
  admin.states.set("demo/counter/a", [
    ["seen", { typename: type, hasValue: true, value: builtinFromJson(type, "7") }],
    ["plan", { typename: "demo/Plan", hasValue: true, value: Buffer.from('{"user":"ada"}') }],
  ]);
  const { out } = await cli(url, ["state", "get", "demo/counter", "a"]);
  assert.equal(out, 'seen (io.statefun.types/int): 7\nplan (demo/Plan): {\n  "user": "ada"\n}\n');
  const missing = await cli(url, ["state", "get", "demo/counter", "z"]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /nothing is known of demo\/counter z \[NOT_FOUND\]/);
});

test("parked addresses are listed, shown, retried and skipped", async (t) => {
  const { url, admin } = await startFakeNode(t);
  assert.equal((await cli(url, ["parked", "list"])).err, "nothing is parked\n");
  admin.parkedItems = [parked("a/1"), parked("b")];
  assert.match(
    (await cli(url, ["parked", "list"])).out,
    /^demo\/counter {2}a\/1 {2}1970-01-01 00:00:00Z {6}3 {8}2 {2}boom$/m,
  );
  const shown = await cli(url, ["parked", "show", "demo/counter", "a/1"]);
  assert.match(
    shown.out,
    /^demo\/counter a\/1: parked since .*, after 3 tries\nFUNCTION_FAILED: boom\n {2}at x\n/,
  );
  await cli(url, ["parked", "retry", "demo/counter", "a/1"]);
  assert.equal((await cli(url, ["parked", "skip", "demo/counter", "b"])).out, "m-9\n");
  assert.equal((await cli(url, ["parked", "retry", "--all"])).err, "2 go on\n");
  assert.deepEqual(admin.done, [
    ...["retry demo/counter/a/1", "skip demo/counter/b"],
    ...["retry demo/counter/a/1", "retry demo/counter/b"],
  ]);
  assert.equal((await cli(url, ["parked", "retry", "demo/counter", "z"])).code, 1);
});

test("dead letters are listed, shown, retried and purged", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.deadItems = ["1", "2", "3/x", "4", "5"].map(dead);
  assert.match(
    (await cli(url, ["dead", "list"])).out,
    /^1 {4}1970-01-01 00:00:00Z {2}TARGET_UNKNOWN {2}orders\/0@7 for demo\/counter a {2}demo\/nobody a {2}nobody$/m,
  );
  assert.match((await cli(url, ["dead", "show", "1"])).out, /^demo\/x: \{$/m);
  assert.equal((await cli(url, ["dead", "retry", "1", "2"])).err, "2 sent once more\n");
  assert.equal((await cli(url, ["dead", "purge", "3/x"])).err, "1 removed\n");
  assert.equal((await cli(url, ["dead", "skip", "4"])).err, "1 removed\n");
  assert.equal((await cli(url, ["dead", "purge", "--all", "--yes"])).err, "1 removed\n");
  assert.deepEqual(admin.done, ["retry 1", "retry 2", "purge 3/x", "purge 4", "purge 5"]);
});

test("a dead letter can be sent elsewhere, one that is named only", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.deadItems = ["1", "2"].map(dead);
  await cli(url, ["dead", "retry", "1", "--to", "demo/counter"]);
  await cli(url, ["dead", "retry", "2", "--to", "demo/counter/a/b"]);
  assert.deepEqual(admin.done, [
    "retry 1 to demo/counter as it was",
    "retry 2 to demo/counter a/b",
  ]);
  const all = await cli(url, ["dead", "retry", "--all", "--to", "demo/counter"]);
  assert.equal(all.code, 2);
  assert.match((await cli(url, ["dead", "retry", "1", "--to", "demo"])).err, /to=demo is neither/);
});

test("of dead letters that are named, those that are not there are said, and the others done", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.deadItems = ["1", "3"].map(dead);
  const { code, err } = await cli(url, ["dead", "retry", "1", "2", "3"]);
  assert.equal(code, 1);
  assert.equal(err, "2: there is no dead letter 2\n2 sent once more\n");
});

test("many are decided about by conditions, a page at a time, and counted", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.parkedItems = Array.from({ length: 2_100 }, (_, i) => parked(String(i)));
  const type = ["--type", "demo/counter"];
  const { code, out, err } = await cli(url, ["parked", "retry", ...type, "--json"]);
  assert.deepEqual([code, JSON.parse(out), err], [0, { done: 2_100, gone: 0 }, "2100 go on\n"]);
  assert.deepEqual(new Set(admin.done).size, 2_100);
  const some = await cli(url, ["parked", "skip", ...type, "--limit", "1050"]);
  assert.equal(some.err, "1050 skipped\n");
  assert.equal((await cli(url, ["parked", "retry", "--type", "demo/x"])).err, "0 go on\n");
  const [first] = admin.asked.slice(-1);
  assert.equal(first?.type, "demo/x");
});

test("a dry run shows what is meant, and does nothing", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.parkedItems = [parked("a")];
  admin.deadItems = ["1", "2"].map(dead);
  const { out, err } = await cli(url, ["dead", "purge", "--older-than", "1h", "--dry-run"]);
  assert.match(out, /^2 {3}1970/m);
  assert.equal(err, "2 would be meant by purge\n");
  const age = Date.now() - (admin.asked.at(-1)?.untilMs ?? 0);
  assert(age >= 3_600_000 && age < 3_700_000);
  await cli(url, ["parked", "skip", "--all", "--dry-run"]);
  assert.deepEqual(admin.done, []);
});

test("what removes for good takes --yes, and nothing takes everything unasked", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.parkedItems = [parked("a")];
  admin.deadItems = ["1"].map(dead);
  for (const args of [
    ["dead", "purge", "--all"],
    ["dead", "purge"],
    ["dead", "purge", "1", "--all", "--yes"],
    ["dead", "retry", "--all", "--type", "demo/counter"],
    ["parked", "retry"],
    ["parked", "skip", "demo/counter"],
    ["parked", "purge", "--type", "demo/counter"],
    ["parked", "purge", "demo/counter", "a"],
    ["parked", "retry", "demo/counter", "a", "--dry-run"],
  ]) {
    assert.equal((await cli(url, args)).code, 2, args.join(" "));
  }
  assert.deepEqual(admin.done, []);
  const purged = await cli(url, ["parked", "purge", "demo/counter", "a", "--yes"]);
  assert.equal(purged.err, "2 messages removed\n");
  assert.deepEqual(admin.done, ["purge demo/counter/a"]);
});

test("what is cut off says how far it came", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.parkedItems = Array.from({ length: 1_500 }, (_, i) => parked(String(i)));
  const retry = admin.parkedRetry.bind(admin);
  admin.parkedRetry = (address) =>
    address.id === "1200"
      ? Promise.reject(new StatefoldError("UNAVAILABLE", "partition 0 cannot answer"))
      : retry(address);
  const { code, err } = await cli(url, ["parked", "retry", "--all"]);
  assert.equal(code, 1);
  assert.match(err, /^cut off after 1000; the same command goes on\n.*partition 0 cannot answer/);
});

test("status is one screen, and fails while the node is not ready", async (t) => {
  const { url, admin } = await startFakeNode(t);
  const partition = (n: number) => ({
    ...{ partition: n, phase: "running" as const, epoch: 9, accepted: 12, finished: 10 },
    ...{ pending: 1, pendingBytes: 200, uncounted: 0, inFlight: 1, timers: 4, outbox: 0 },
    ...{ parked: n, dead: 0 },
  });
  admin.statusValue = {
    ...admin.statusValue,
    startedAtMs: Date.now() - 7_200_000,
    dataDir: "/data",
    partitions: [partition(0), partition(1)],
    endpoints: [
      {
        ...{
          name: "demo/*",
          functions: "demo/*",
          target: "http://localhost:9000",
          transport: "async",
          frames: true,
        },
        ...{ circuit: "open", inFlight: 0, reason: "connection refused", nextProbeAtMs: undefined },
      },
    ],
    ingresses: [
      {
        id: "demo/in",
        kind: "log",
        phase: "running",
        lag: 3,
        reason: undefined,
      },
    ],
    egresses: [
      {
        id: "demo/out",
        kind: "log",
        pending: 5,
        held: 2,
        reason: undefined,
        publishMs: 12,
        transactions: { committed: 3, aborted: 1 },
      },
    ],
  };
  const { code, out } = await cli(url, ["status"]);
  assert.equal(code, 0);
  assert.match(out, /^demo at http:.*: ready\nstatefold 0\.1\.0, up 2 h, data \/data\n/);
  assert.match(out, /^all +20 +2 +400 B +2 +8 +0 +1 +0$/m);
  assert.match(out, /^demo\/\* +http:\/\/localhost:9000 +by frames +open +0 +connection refused$/m);
  assert.match(out, /^demo\/in +log +running +3$/m);
  assert.match(out, /^demo\/out +log +5 +2 +12\.0 ms +3 +1$/m);
  assert.match(out, /statefold parked list/);
  assert(out.split("\n").length <= 24);
  admin.statusValue = { ...admin.statusValue, readiness: { ready: false, reason: "loading" } };
  const later = await cli(url, ["status", "--json"]);
  assert.equal(later.code, 1);
  assert.equal((JSON.parse(later.out) as { version: string }).version, "0.1.0");
});
