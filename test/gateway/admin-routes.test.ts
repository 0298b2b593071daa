import assert from "node:assert/strict";
import { test } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import { builtinFromJson } from "../../src/model/builtin-types.ts";
import { startFakeNode } from "./fake-node.ts";
import { problemOf } from "./http-client.ts";

const address = (id: string) => ({ type: "demo/counter", id });
const parked = (id: string) => ({
  address: address(id),
  ...{ code: "FUNCTION_FAILED", reason: "boom", sinceMs: 5, attempts: 3, pending: 2 },
});
const dead = (id: string) => ({
  id,
  address: address("a"),
  target: { type: "demo/nobody", id: "a" },
  ...{ code: "TARGET_UNKNOWN", reason: "nobody", atMs: 5, attempts: 1, kind: "message" as const },
  ...{ valueType: "demo/x", source: undefined, egress: undefined },
});

test("addresses come in pages, and by their type", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.addressItems = ["a", "b", "c"].map((id) => ({
    address: address(id),
    ...{ stateBytes: 1, pending: 0, parked: false },
  }));
  type Answer = { items: { address: { id: string } }[]; next?: string };
  const page = async (query: string) =>
    (await (await fetch(`${url}/v1/admin/addresses?${query}`)).json()) as Answer;
  const first = await page("limit=2");
  assert.deepEqual(
    first.items.map((each) => each.address.id),
    ["a", "b"],
  );
  const rest = await page(`limit=2&after=${first.next}`);
  assert.deepEqual([rest.items.length, rest.next], [1, undefined]);
  assert.deepEqual((await page("type=demo/other")).items, []);
});

test("a state is shown with readable values", async (t) => {
  const { url, admin } = await startFakeNode(t);
  const type = "io.statefun.types/long";
  const value = { typename: type, hasValue: true, value: builtinFromJson(type, "7") };
  admin.states.set("demo/counter/a/b", [["seen", value]]);
  const response = await fetch(`${url}/v1/admin/state/demo/counter/a%2Fb`);
  assert.deepEqual(await response.json(), {
    address: address("a/b"),
    ...{ stateBytes: 1, pending: 0, parked: false },
    states: [{ name: "seen", value: { type, bytes: 9, value: 7 } }],
  });
  const unknown = await fetch(`${url}/v1/admin/state/demo/counter/z`);
  assert.equal(unknown.status, 404);
  assert.match((await problemOf(unknown)).detail, /nothing is known of demo\/counter z/);
});

test("a parked address is shown, retried and skipped", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.parkedItems = [parked("retry"), parked("b")];
  const list = (await (await fetch(`${url}/v1/admin/parked`)).json()) as { items: unknown[] };
  assert.equal(list.items.length, 2);
  // An address whose id is the name of a verb is still an address.
  const shown = await fetch(`${url}/v1/admin/parked/demo/counter/retry`);
  assert.equal(((await shown.json()) as { reason: string }).reason, "boom");
  const post = (path: string) => fetch(`${url}/v1/admin/parked/${path}`, { method: "POST" });
  assert.equal((await post("demo/counter/retry/retry")).status, 200);
  assert.deepEqual(await (await post("demo/counter/b/skip")).json(), { messageId: "m-9" });
  assert.deepEqual(admin.done, ["retry demo/counter/retry", "skip demo/counter/b"]);
  assert.equal((await post("demo/counter/z/retry")).status, 404);
  assert.equal((await post("demo/counter/b/explode")).status, 404);
  assert.equal((await fetch(`${url}/v1/admin/parked/demo/counter/b/skip`)).status, 405);
});

test("a dead letter is shown, retried and purged", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.deadItems = [dead("0-1"), dead("0/2")];
  const shown = (await (await fetch(`${url}/v1/admin/dead/0-1`)).json()) as { value: unknown };
  assert.deepEqual(shown.value, { type: "demo/x", bytes: 7, value: { a: 1 } });
  const retried = await fetch(`${url}/v1/admin/dead/0-1/retry`, { method: "POST" });
  assert.deepEqual(await retried.json(), { retried: "0-1" });
  const purged = await fetch(`${url}/v1/admin/dead/0%2F2`, { method: "DELETE" });
  assert.deepEqual(await purged.json(), { purged: "0/2" });
  const tooMuch = await fetch(`${url}/v1/admin/dead/0-1/retry/now`, { method: "POST" });
  assert.equal(tooMuch.status, 404);
  assert.deepEqual(admin.done, ["retry 0-1", "purge 0/2"]);
  assert.equal((await fetch(`${url}/v1/admin/dead/0-1`)).status, 404);
});

test("many are decided about a page at a time, by conditions or all", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.parkedItems = ["a", "b", "c"].map(parked);
  type Answer = { done: number; gone: number; next?: string };
  const post = async (path: string) => {
    const response = await fetch(`${url}/v1/admin/${path}`, { method: "POST" });
    return { status: response.status, json: (await response.json()) as Answer };
  };
  const first = await post("parked/retry?type=demo/counter&limit=2");
  assert.deepEqual([first.json.done, first.json.gone], [2, 0]);
  const rest = await post(`parked/retry?type=demo/counter&limit=2&after=${first.json.next}`);
  assert.deepEqual(rest.json, { done: 1, gone: 0 });
  // The pass is bounded by when it began: what gets stuck meanwhile is not meant.
  assert.deepEqual(admin.asked[0]?.untilMs, admin.asked[1]?.untilMs);
  assert.deepEqual((await post("parked/skip?all")).json, { done: 3, gone: 0 });
  admin.deadItems = [dead("0-1")];
  assert.deepEqual((await post("dead/purge?all&olderThan=1h")).status, 400);
  assert.deepEqual((await post("dead/purge?code=TARGET_UNKNOWN&olderThan=1h")).json.done, 1);
  for (const path of [
    "parked/retry",
    "parked/explode?all",
    "parked/toString?all",
    "dead/skip?all",
    "dead/retry?code=NONSENSE",
    "dead/retry?all&after=x",
    "dead/retry?olderThan=long",
  ]) {
    assert.notEqual((await post(path)).status, 200, path);
  }
});

test("a decision about one that is gone meanwhile is counted as such", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.deadItems = ["0-1", "0-2"].map(dead);
  const take = admin.deadRetry.bind(admin);
  admin.deadRetry = async (id) => id !== "0-1" && (await take(id));
  const response = await fetch(`${url}/v1/admin/dead/retry?all`, { method: "POST" });
  assert.deepEqual(await response.json(), { done: 1, gone: 1 });
});

test("what cannot be decided about so stays, is counted, and holds up no others", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.deadItems = ["0-1", "0-2"].map(dead);
  const take = admin.deadRetry.bind(admin);
  admin.deadRetry = async (id) => {
    if (id === "0-1") throw new StatefoldError("REQUEST_INVALID", "it never had an address");
    return await take(id);
  };
  const response = await fetch(`${url}/v1/admin/dead/retry?all`, { method: "POST" });
  assert.deepEqual(await response.json(), { done: 1, gone: 0, refused: 1 });
});

test("status, partitions, endpoints and timers are answered as the node tells them", async (t) => {
  const { url, admin } = await startFakeNode(t);
  admin.timerItems = [
    {
      ...{ dueAtMs: 9, sender: address("a"), target: address("a") },
      ...{ valueType: "demo/Tick", token: "tick", messageId: "m-4" },
    },
  ];
  const get = async (what: string) => (await fetch(`${url}/v1/admin/${what}`)).json();
  assert.deepEqual(await get("status"), JSON.parse(JSON.stringify(admin.statusValue)));
  assert.deepEqual(await get("partitions"), { items: [] });
  assert.deepEqual(await get("endpoints"), { items: [] });
  assert.deepEqual(await get("timers"), { items: admin.timerItems });
});

test("a page of nothing, or of too much, is refused", async (t) => {
  const { url } = await startFakeNode(t);
  for (const limit of ["0", "1001", "all"]) {
    assert.equal((await fetch(`${url}/v1/admin/dead?limit=${limit}`)).status, 400, limit);
  }
});

test("a snapshot is taken when it is asked for by POST, and one that is given up says why", async (t) => {
  const { url, admin } = await startFakeNode(t);
  const taking = (method: string) => fetch(`${url}/v1/admin/snapshots`, { method });
  assert.equal((await taking("GET")).status, 405);
  assert.deepEqual(admin.done, []);
  const taken = await taking("POST");
  assert.deepEqual([taken.status, await taken.json()], [200, admin.snapshot]);
  admin.snapshot = new StatefoldError("SNAPSHOT_ABANDONED", "the bucket is gone");
  const problem = await problemOf(await taking("POST"));
  assert.deepEqual([problem.code, problem.detail], ["SNAPSHOT_ABANDONED", "the bucket is gone"]);
});
