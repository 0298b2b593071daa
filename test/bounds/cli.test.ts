import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { linesOf } from "../../src/cli/lines.ts";
import { cli } from "../cli/fake-io.ts";
import { startFakeNode } from "../gateway/fake-node.ts";

/** A node, and how many records each request writes. */
async function writing(t: TestContext) {
  const { url, topics } = await startFakeNode(t);
  const sizes: number[] = [];
  const write = topics.write.bind(topics);
  topics.write = async (topic, records) => {
    sizes.push(records.length);
    return await write(topic, records);
  };
  return { url, sizes };
}

test("a request of topic write is closed at BATCH_BYTES, and the rest goes with the next", async (t) => {
  const { url, sizes } = await writing(t);
  const line = "x".repeat(300_000);
  const { code, err } = await cli(url, ["topic", "write", "t"], new Array(9).fill(line).join("\n"));
  assert.deepEqual([code, err], [0, "9 records written\n"]);
  assert(sizes.length >= 3 && Math.max(...sizes) <= 4, `${sizes}`);
});

test("a request of topic write is closed at BATCH_RECORDS as well", async (t) => {
  const { url, sizes } = await writing(t);
  const { err } = await cli(url, ["topic", "write", "t", "--json"], "{}\n".repeat(25_000));
  assert.equal(err, "25000 records written\n");
  assert(Math.max(...sizes) <= 10_000, `${sizes}`);
});

test("a line beyond its bound, MAX_LINE_BYTES of topic write and read, is taken apart there", async () => {
  async function* input() {
    for (let i = 0; i < 5; i++) yield "abcde";
    yield "\nf";
  }
  const lines: string[] = [];
  for await (const some of linesOf(input(), 9)) lines.push(...some.map(String));
  assert.deepEqual(lines, ["abcdeabcde", "abcdeabcde", "abcde", "f"]);
});

test("a list shows MAX_LIMIT rows at most: to ask for more is wrong use", async (t) => {
  const { url } = await startFakeNode(t);
  const { code, err } = await cli(url, ["dead", "list", "--limit", "1000001"]);
  assert.equal(code, 2);
  assert.match(err, /1000000/);
  assert.equal((await cli(url, ["dead", "list", "--limit", "1000000"])).code, 0);
});
