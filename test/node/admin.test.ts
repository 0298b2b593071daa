import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { aNode, FaultyDisk, NIGHT, type TestNode } from "./a-node.ts";
import { broken } from "./functions/night.ts";

/* What a person does at night, over HTTP. */

interface Parked {
  readonly address: { readonly type: string; readonly id: string };
  readonly code: string;
  readonly reason: string;
  readonly pending: number;
}

interface Dead {
  readonly id: string;
  readonly code: string;
  readonly reason: string;
}

const post = { method: "POST" };

/** Sends these texts to an address that fails, until it is parked. */
async function parked(node: TestNode, id: string, ...texts: string[]): Promise<Parked> {
  broken.add(id);
  for (const text of texts) await node.send(`test/fragile/${id}`, text);
  return await until(`${id} to be parked with all its mail`, async () => {
    const items = await node.list<Parked>("parked");
    return items.find((each) => each.address.id === id && each.pending === texts.length);
  });
}

async function remembers(node: TestNode, id: string, texts: string): Promise<void> {
  await until(`${id} to have handled ${texts}`, async () => {
    const { json } = await node.ask(`/v1/admin/state/test/fragile/${id}`);
    const states = (json as { states?: { value: { text?: string } }[] }).states ?? [];
    return JSON.stringify(states).includes(`"${texts}"`);
  });
}

test("a function that fails parks its address alone, with its mail in order", async (t) => {
  const node = await aNode(t);
  const found = await parked(node, "p1", "a", "b", "c");
  assert.equal(found.code, "FUNCTION_FAILED");
  assert.match(found.reason, /broken by a/);
  assert.equal(await node.call("test/fragile/other", "x"), "x");
  const { json } = await node.ask("/v1/admin/parked/test/fragile/p1");
  const { messages, pending } = json as { messages: { value: unknown }[]; pending: number };
  assert.equal(pending, 3);
  assert.match(JSON.stringify(messages[0]), /"a"/);
  assert.match(JSON.stringify(messages[2]), /"c"/);
});

test("a parked address goes on where it stopped, once it is retried", async (t) => {
  const node = await aNode(t);
  await parked(node, "p2", "a", "b");
  broken.delete("p2");
  assert.equal((await node.ask("/v1/admin/parked/test/fragile/p2/retry", post)).status, 200);
  await remembers(node, "p2", "ab");
  assert.deepEqual(await node.list("parked"), []);
  const again = await node.ask("/v1/admin/parked/test/fragile/p2/retry", post);
  assert.equal(again.status, 404);
});

test("a message that is skipped is a dead letter, which can be sent again", async (t) => {
  const node = await aNode(t);
  await parked(node, "p3", "a", "b");
  broken.delete("p3");
  const skipped = await node.ask("/v1/admin/parked/test/fragile/p3/skip", post);
  assert.equal(skipped.status, 200, skipped.text);
  await remembers(node, "p3", "b");
  const [dead] = await node.list<Dead>("dead");
  assert.equal(dead?.code, "FUNCTION_FAILED");
  const detail = await node.ask(`/v1/admin/dead/${dead?.id}`);
  assert.match(detail.text, /"a"/);
  assert.equal((await node.ask(`/v1/admin/dead/${dead?.id}/retry`, post)).status, 200);
  await remembers(node, "p3", "ba");
  assert.deepEqual(await node.list("dead"), []);
  assert.equal((await node.ask(`/v1/admin/dead/${dead?.id}/retry`, post)).status, 404);
});

test("many are decided about by what they have in common, and each once", async (t) => {
  const node = await aNode(t, NIGHT, { partitions: 3 });
  const ids = ["m1", "m2", "m3", "m4"];
  for (const id of ids) await parked(node, id, id === "m4" ? "other" : "same", "b");
  const idsOf = async (query: string) =>
    (await node.list<Parked>(`parked?${query}`)).map(({ address }) => address.id).sort();
  assert.deepEqual(await idsOf("type=test/fragile"), ids);
  assert.deepEqual(await idsOf("type=test/counter"), []);
  assert.deepEqual(await idsOf("reason=by+same"), ["m1", "m2", "m3"]);
  assert.deepEqual(await idsOf("code=TARGET_UNKNOWN"), []);
  assert.deepEqual(await idsOf("olderThan=1h"), []);
  broken.clear();
  let done = 0;
  for (let after = ""; ; ) {
    const path = `/v1/admin/parked/retry?reason=by+same&limit=1${after}`;
    const { json } = await node.ask(path, post);
    const page = json as { done: number; next?: string };
    done += page.done;
    if (page.next === undefined) break;
    after = `&after=${encodeURIComponent(page.next)}`;
  }
  assert.equal(done, 3);
  for (const id of ["m1", "m2", "m3"]) await remembers(node, id, "sameb");
  const skip = await node.ask("/v1/admin/parked/skip?all", post);
  assert.deepEqual(skip.json, { done: 1, gone: 0 });
  await remembers(node, "m4", "b");
  const dead = (query: string) => node.list<Dead>(`dead?${query}`);
  assert.equal((await dead("type=test/fragile&reason=skipped")).length, 1);
  assert.equal((await dead("type=test/counter")).length, 0);
  const purge = () => node.ask("/v1/admin/dead/purge?code=FUNCTION_FAILED", post);
  assert.deepEqual((await purge()).json, { done: 1, gone: 0 });
  assert.deepEqual((await purge()).json, { done: 0, gone: 0 });
});

test("a parked address is purged of all its messages, and of nothing else", async (t) => {
  const node = await aNode(t);
  await node.call("test/fragile/p9", "x");
  await parked(node, "p9", "a", "b", "c");
  broken.delete("p9");
  const purge = () => node.ask("/v1/admin/parked/test/fragile/p9/purge", post);
  assert.equal(((await purge()).json as { messages: number }).messages, 3);
  assert.equal((await purge()).status, 404);
  assert.deepEqual([await node.list("parked"), await node.list("dead")], [[], []]);
  assert.equal(await node.call("test/fragile/p9", "y"), "xy");
});

test("what was parked and dead is so after a restart, and what was decided stays decided", async (t) => {
  const dataDir = join(tempDir(t), "data");
  const first = await aNode(t, NIGHT, { dataDir, partitions: 2 });
  await parked(first, "p4", "a", "b");
  await first.ask("/v1/admin/parked/test/fragile/p4/skip", post);
  await until("the next one to fail", async () => {
    const [item] = await first.list<Parked>("parked");
    return item?.pending === 1;
  });
  await first.node.stop();
  broken.delete("p4");
  const second = await aNode(t, NIGHT, { dataDir });
  assert.equal((await second.list("dead")).length, 1);
  assert.equal((await second.list<Parked>("parked"))[0]?.pending, 1);
  assert.equal((await second.ask("/v1/admin/parked/test/fragile/p4/retry", post)).status, 200);
  await remembers(second, "p4", "b");
});

test("a message to a function nobody serves is a dead letter, to be retried or purged", async (t) => {
  const node = await aNode(t);
  assert.equal(await node.call("test/gossip/g", "psst"), "told");
  const [dead] = await until("the dead letter", async () => {
    const items = await node.list<Dead>("dead");
    return items.length > 0 && items;
  });
  assert.equal(dead?.code, "TARGET_UNKNOWN");
  assert.match(dead?.reason ?? "", /test\/stranger/);
  // Still nobody serves it: it dies again, under another number.
  assert.equal((await node.ask(`/v1/admin/dead/${dead?.id}/retry`, post)).status, 200);
  const [again] = await node.list<Dead>("dead");
  assert.notEqual(again?.id, dead?.id);
  const purge = () => node.ask(`/v1/admin/dead/${again?.id}`, { method: "DELETE" });
  assert.equal((await purge()).status, 200);
  assert.deepEqual(await node.list("dead"), []);
  assert.equal((await purge()).status, 404);
  for (const id of ["0-1", "99-1", "x", "1"]) {
    assert.equal((await node.ask(`/v1/admin/dead/${id}`)).status, 404, id);
  }
});

test("addresses are listed page by page over all partitions, each once", async (t) => {
  const node = await aNode(t, NIGHT, { partitions: 3 });
  const ids = Array.from({ length: 20 }, (_, i) => `id-${i}`);
  for (const id of ids) await node.call(`test/counter/${id}`, 1);
  // Some with mail and no state, some with both.
  for (const id of ["id-3", "m-1", "m-2"]) await parked(node, id, "a");
  await node.call("test/fragile/both", "x");
  await parked(node, "both", "a", "b");
  for (const limit of [1, 2, 7, 100]) {
    const seen: string[] = [];
    for (let after = ""; ; ) {
      const path = `/v1/admin/addresses?limit=${limit}${after && `&after=${after}`}`;
      const { status, text, json } = await node.ask(path);
      assert.equal(status, 200, text);
      const { items, next } = json as {
        items: { address: { type: string; id: string } }[];
        next?: string;
      };
      assert(items.length <= limit);
      for (const { address } of items) seen.push(`${address.type}/${address.id}`);
      assert(seen.length <= 24, `with pages of ${limit} it goes round in circles: ${seen}`);
      if (next === undefined) break;
      after = next;
    }
    const counters = ids.map((id) => `test/counter/${id}`);
    const fragile = ["id-3", "m-1", "m-2", "both"].map((id) => `test/fragile/${id}`);
    assert.deepEqual(seen.sort(), [...counters, ...fragile].sort(), `pages of ${limit}`);
  }
  const { json } = await node.ask("/v1/admin/addresses?type=test/fragile");
  const { items } = json as {
    items: { address: { id: string }; pending: number; parked: boolean; stateBytes: number }[];
  };
  const both = items.find(({ address }) => address.id === "both");
  assert.deepEqual([both?.pending, both?.parked, (both?.stateBytes ?? 0) > 0], [2, true, true]);
  assert.equal(items.length, 4);
});

test("a cursor of another list, or none, is refused", async (t) => {
  const node = await aNode(t);
  for (const id of ["a", "b"]) await node.call(`test/counter/${id}`, 1);
  await parked(node, "c", "x");
  const { json } = await node.ask("/v1/admin/addresses?limit=1&type=test/counter");
  const { next } = json as { next: string };
  for (const path of [
    `dead?after=${next}`,
    `addresses?type=test/fragile&after=${next}`,
    "addresses?after=0.",
    "addresses?after=nonsense",
  ]) {
    const { status, text } = await node.ask(`/v1/admin/${path}`);
    assert.equal(status, 400, `${path}: ${text}`);
  }
  assert.equal((await node.ask(`/v1/admin/addresses?after=${next}`)).status, 200);
});

test("an address shows its state and its mail; one that is unknown is not found", async (t) => {
  const node = await aNode(t);
  await node.call("test/counter/a", 7);
  const { json } = await node.ask("/v1/admin/state/test/counter/a");
  const detail = json as { states: { name: string }[]; pending: number; parked: boolean };
  assert.deepEqual(
    [detail.states.map(({ name }) => name), detail.pending, detail.parked],
    [["count"], 0, false],
  );
  assert.equal((await node.ask("/v1/admin/state/test/counter/nobody")).status, 404);
  assert.equal((await node.ask("/v1/admin/parked/test/counter/a")).status, 404);
});

test("while a partition is down nothing is said to be missing", async (t) => {
  const disk = new FaultyDisk();
  const node = await aNode(t, NIGHT, {}, disk.open);
  await node.call("test/counter/a", 7);
  await node.ask("/metrics");
  disk.refuses = () => true;
  disk.isGone = () => true;
  assert.equal((await node.post("/v1/call/test/counter/a", 1)).status, 503);
  for (const path of ["addresses", "dead", "state/test/counter/a", "dead/0-1"]) {
    const { status, json } = await node.ask(`/v1/admin/${path}`);
    assert.deepEqual([status, (json as { code: string }).code], [503, "UNAVAILABLE"], path);
  }
  const { text } = await node.ask("/metrics");
  // A counter stands still: 0 would be taken for a new beginning.
  assert.match(text, /^statefold_partition_accepted_messages_total\{partition="0"\} [1-9]/m);
  const [partition] = await node.list<{ phase: string }>("partitions");
  assert.notEqual(partition?.phase, "running");
});

test("timers are listed in the order they are due", async (t) => {
  const node = await aNode(t);
  await node.call("test/alarm/late", "2h");
  await node.call("test/alarm/soon", "1h");
  await node.post("/v1/send/test/counter/x?delay=3h", 1);
  const timers = await node.list<{ target: { id: string }; token: string }>("timers");
  assert.deepEqual(
    timers.map(({ target }) => target.id),
    ["soon", "late", "x"],
  );
  assert.equal(timers[0]?.token, "alarm");
});

test("the status names what is slow and what waits", async (t) => {
  const node = await aNode(t);
  await parked(node, "p5", "a", "b");
  const { json } = await node.ask("/v1/admin/status");
  const status = json as {
    application: string;
    readiness: { ready: boolean };
    endpoints: { functions: string; circuit: string }[];
    partitions: { phase: string; parked: number; pending: number }[];
  };
  assert.deepEqual([status.application, status.readiness.ready], ["statefold", true]);
  assert.deepEqual(
    [status.endpoints[0]?.functions, status.endpoints[0]?.circuit],
    ["embedded", "closed"],
  );
  const [partition] = status.partitions;
  assert.deepEqual([partition?.phase, partition?.parked, partition?.pending], ["running", 1, 2]);
});

test("metrics count what was accepted and what is parked, and nothing is unaccounted for", async (t) => {
  const node = await aNode(t);
  await node.call("test/counter/a", 1);
  await parked(node, "p6", "a");
  const { text } = await node.ask("/metrics");
  const countOf = (name: string) =>
    new RegExp(`^${name}\\{partition="0"\\} (\\d+)$`, "m").exec(text);
  assert.equal(countOf("statefold_partition_parked_addresses")?.[1], "1");
  assert.equal(countOf("statefold_partition_pending_messages")?.[1], "1");
  assert.equal(countOf("statefold_partition_drift_messages")?.[1], "0");
  assert(Number(countOf("statefold_partition_accepted_messages_total")?.[1]) >= 2);
  assert.match(text, /^statefold_commit_seconds_count [1-9]/m);
});

test("of a message that was a record one sees its place, time, headers and trace, parked and dead", async (t) => {
  const node = await aNode(t, RECORDS, { embedded: false });
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const record = {
    ...{ key: "r1", value: "x", timestamp: 1_700_000_000_000 },
    headers: { shop: "north", traceparent },
  };
  const body = JSON.stringify(record);
  const headers = { "content-type": "application/x-ndjson" };
  const written = await node.ask("/v1/topics/odd", { ...post, headers, body });
  assert.equal(written.status, 200, written.text);
  const view = await until("it to be parked", async () => {
    const { json } = await node.ask("/v1/admin/parked/test/fragile/r1");
    return (json as { messages?: Record<string, unknown>[] }).messages?.[0];
  });
  const seen = ({ id, recordAtMs, headers: of, traceparent: trace }: Record<string, unknown>) => ({
    ...{ id, recordAtMs, of, trace },
  });
  const expected = {
    ...{ id: "log/test/odd/odd/0@0", recordAtMs: record.timestamp, trace: traceparent },
    of: [
      { key: "shop", value: "north" },
      { key: "traceparent", value: traceparent },
    ],
  };
  assert.deepEqual(seen(view), expected);
  assert.equal((await node.ask("/v1/admin/parked/test/fragile/r1/skip", post)).status, 200);
  const dead = await until("it to be among the dead letters", async () => {
    return (await node.list<Dead>("dead"))[0];
  });
  const { json } = await node.ask(`/v1/admin/dead/${dead.id}`);
  assert.deepEqual(seen((json as { message: Record<string, unknown> }).message), expected);
});

/** Records whose values no function takes. */
const RECORDS = `
kind: io.statefold.log.v1/ingress
spec:
  id: test/odd
  topics: [{topic: odd, valueType: test/Odd, targets: [test/fragile]}]
---${NIGHT}`;
