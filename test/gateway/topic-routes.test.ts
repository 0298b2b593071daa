import assert from "node:assert/strict";
import { test } from "node:test";
import { startFakeNode } from "./fake-node.ts";
import { problemOf } from "./http-client.ts";

const NDJSON = { "content-type": "application/x-ndjson" };

test("many records are written in lines of JSON, and read back so", async (t) => {
  const { url } = await startFakeNode(t);
  const written = await fetch(`${url}/v1/topics/orders`, {
    method: "POST",
    headers: NDJSON,
    body: '{"key":"a","value":"one","headers":{"h":"v"}}\n{"value":{"n":2},"partition":1}\n',
  });
  assert.deepEqual(await written.json(), {
    written: 2,
    records: [
      { partition: 0, offset: 0 },
      { partition: 1, offset: 0 },
    ],
  });
  const read = await fetch(`${url}/v1/topics/orders`);
  assert.equal(read.headers.get("content-type"), "application/x-ndjson");
  assert.equal(
    await read.text(),
    '{"partition":0,"offset":0,"timestamp":1000,"key":"a","value":"one","headers":{"h":"v"}}\n' +
      '{"partition":1,"offset":0,"timestamp":1000,"value":"{\\"n\\":2}"}\n',
  );
  const asJson = await fetch(`${url}/v1/topics/orders?partition=1&values=json`);
  assert.match(await asJson.text(), /"value":\{"n":2\}\}\n$/);
});

test("one record is the body as it is, with its key in the query", async (t) => {
  const { url, topics } = await startFakeNode(t);
  await fetch(`${url}/v1/topics/orders?key=a%20b&partition=0`, {
    method: "POST",
    headers: { "content-type": "application/json", "statefold-header-h": "v" },
    body: '{"n":1}',
  });
  const record = topics.topics.get("orders")?.[0]?.[0];
  assert.equal(String(record?.key && Buffer.from(record.key)), "a b");
  assert.equal(String(record?.value && Buffer.from(record.value)), '{"n":1}');
  assert.deepEqual(record?.headers, [{ key: "h", value: Buffer.from("v") }]);
});

test("topics are listed with their offsets", async (t) => {
  const { url } = await startFakeNode(t);
  await fetch(`${url}/v1/topics/orders`, { method: "POST", body: "xyz" });
  assert.deepEqual(await (await fetch(`${url}/v1/topics`)).json(), {
    topics: [
      { name: "orders", partitions: [{ partition: 0, beginOffset: 0, endOffset: 1, bytes: 3 }] },
    ],
  });
});

test("reading begins where it is asked to and ends at its limit", async (t) => {
  const { url } = await startFakeNode(t);
  const body = [0, 1, 2, 3].map((n) => `{"value":"${n}"}`).join("\n");
  await fetch(`${url}/v1/topics/orders`, { method: "POST", headers: NDJSON, body });
  const offsets = async (query: string) => {
    const text = await (await fetch(`${url}/v1/topics/orders?${query}`)).text();
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { offset: number }).offset);
  };
  assert.deepEqual(await offsets("partition=0&offset=2"), [2, 3]);
  assert.deepEqual(await offsets("partition=0&offset=1&limit=2"), [1, 2]);
  assert.deepEqual(await offsets("limit=3"), [0, 1, 2]);
  assert.deepEqual(await offsets("offset=latest"), []);
});

test("a follower gets what is there, and then what comes", async (t) => {
  const { url } = await startFakeNode(t);
  const write = (value: string) =>
    fetch(`${url}/v1/topics/orders`, { method: "POST", body: value });
  await write("first");
  const caller = new AbortController();
  const response = await fetch(`${url}/v1/topics/orders?follow=true`, { signal: caller.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader?.read())?.value ?? "", /"value":"first"/);
  await write("second");
  assert.match((await reader?.read())?.value ?? "", /"value":"second"/);
  caller.abort();
});

test("a drain ends a follower's answer properly", async (t) => {
  const { url, gateway } = await startFakeNode(t);
  await fetch(`${url}/v1/topics/orders`, { method: "POST", body: "first" });
  const response = await fetch(`${url}/v1/topics/orders?follow`);
  await gateway.drain(60_000);
  assert.match(await response.text(), /"value":"first"/);
});

test("requests on topics that are not right are told what would be", async (t) => {
  const { url } = await startFakeNode(t);
  await fetch(`${url}/v1/topics/orders`, { method: "POST", body: "first" });
  const wrong: [string, number, RegExp][] = [
    ["none", 404, /no topic none/],
    ["none?follow", 404, /no topic none/],
    ["orders?offset=5", 400, /add partition=/],
    ["orders?partition=x", 400, /no whole number/],
    ["orders?partition=0&offset=soon", 400, /earliest or latest/],
    ["orders?limit=10001", 400, /0 to 10000/],
    ["orders?follow&limit=1", 400, /do not go together/],
    ["orders?follow=maybe", 400, /neither false nor true/],
    ["orders?values=xml", 400, /neither text nor json/],
    ["orders?from=1", 400, /no parameter "from"/],
  ];
  for (const [path, status, detail] of wrong) {
    const response = await fetch(`${url}/v1/topics/${path}`);
    assert.equal(response.status, status, path);
    assert.match((await problemOf(response)).detail, detail);
  }
  const mixed = await fetch(`${url}/v1/topics/orders?key=a`, {
    method: "POST",
    headers: NDJSON,
    body: "{}",
  });
  assert.match((await problemOf(mixed)).detail, /into the lines/);
});
