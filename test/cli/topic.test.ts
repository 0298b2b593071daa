import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { startFakeNode } from "../gateway/fake-node.ts";
import { cli, FakeIo } from "./fake-io.ts";

test("lines go in and come out", async (t) => {
  const { url } = await startFakeNode(t);
  const written = await cli(url, ["topic", "write", "orders"], "one\r\ntwo\n\nthree");
  assert.deepEqual([written.code, written.out, written.err], [0, "", "3 records written\n"]);
  assert.equal((await cli(url, ["topic", "read", "orders"])).out, "one\ntwo\nthree\n");
});

test("keys come from an option or from the lines", async (t) => {
  const { url } = await startFakeNode(t);
  await cli(url, ["topic", "write", "orders", "tea", "--key", "ada"]);
  await cli(url, ["topic", "write", "orders", "--key-separator", "::"], "bob::milk::2\n");
  const { out } = await cli(url, ["topic", "read", "orders", "--keys"]);
  assert.equal(out, "ada\ttea\nbob\tmilk::2\n");
  const without = await cli(url, ["topic", "write", "orders", "--key-separator", "::"], "milk\n");
  assert.equal(without.code, 2);
  assert.match(without.err, /a line holds no "::": milk/);
});

test("bytes that are no text come through", async (t) => {
  const { url } = await startFakeNode(t);
  const io = new FakeIo();
  io.stdin = Readable.from([Buffer.from([0xff, 0xfe, 10])]);
  await io.run(["topic", "write", "orders", "--url", url]);
  const read = new FakeIo();
  await read.run(["topic", "read", "orders", "--url", url]);
  assert.deepEqual(Buffer.concat(read.outs), Buffer.from([0xff, 0xfe, 10]));
});

test("whole records go out as JSON and in again", async (t) => {
  const { url, topics } = await startFakeNode(t);
  const record = '{"key":"a","value":"b","headers":{"h":"v"},"partition":1}';
  await cli(url, ["topic", "write", "orders", "--json"], record);
  const { out } = await cli(url, ["topic", "read", "orders", "--json"]);
  await cli(url, ["topic", "write", "copy", "--json"], out);
  assert.deepEqual(topics.topics.get("copy"), topics.topics.get("orders"));
});

test("reading takes many pages, and ends at its limit", async (t) => {
  const { url } = await startFakeNode(t);
  const lines = Array.from({ length: 2_500 }, (_, i) => String(i));
  await cli(url, ["topic", "write", "orders"], lines.join("\n"));
  const all = await cli(url, ["topic", "read", "orders"]);
  assert.deepEqual(all.out.trimEnd().split("\n"), lines);
  const some = await cli(url, ["topic", "read", "orders", "--limit", "1500"]);
  assert.equal(some.out.trimEnd().split("\n").length, 1_500);
  const tail = ["topic", "read", "orders", "--partition", "0", "--from", "2498"];
  assert.equal((await cli(url, tail)).out, "2498\n2499\n");
});

test("following prints what comes, until its limit", async (t) => {
  const { url } = await startFakeNode(t);
  await cli(url, ["topic", "write", "orders", "first"]);
  const io = new FakeIo();
  const seen = new Promise<void>((resolve) => {
    io.onOut = () => resolve();
  });
  const reading = io.run(["topic", "read", "orders", "--follow", "--limit", "2", "--url", url]);
  await seen;
  await cli(url, ["topic", "write", "orders", "second"]);
  assert.deepEqual(await reading, { code: 0, out: "first\nsecond\n", err: "" });
});

test("topics are listed with their size", async (t) => {
  const { url } = await startFakeNode(t);
  assert.equal((await cli(url, ["topic", "list"])).err, "there are no topics yet\n");
  await cli(url, ["topic", "write", "orders"], "a\nb\n");
  assert.equal(
    (await cli(url, ["topic", "list"])).out,
    "TOPIC   PARTITIONS  RECORDS  SIZE\norders           1        2  2 B\n",
  );
  const json: unknown = JSON.parse((await cli(url, ["topic", "list", "--json"])).out);
  assert.equal(Array.isArray(json), true);
});

test("a topic that is not there is an error", async (t) => {
  const { url } = await startFakeNode(t);
  for (const follow of [[], ["--follow"]]) {
    const { code, err } = await cli(url, ["topic", "read", "none", ...follow]);
    assert.deepEqual([code, err], [1, "statefold: there is no topic none [TOPIC_UNKNOWN]\n"]);
  }
});
