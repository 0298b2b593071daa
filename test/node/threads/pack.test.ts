import assert from "node:assert/strict";
import { test } from "node:test";
import { pack } from "../../../src/node/threads/pack.ts";

const MOVED = { transfer: (buffers: readonly ArrayBuffer[]) => [...buffers] };

test("what is packed arrives as it was, and its owner keeps what is his", () => {
  const pool = Buffer.from("xxhelloxx");
  const given = { list: [{ bytes: pool.subarray(2, 7), n: 1 }, "text"], nothing: undefined };
  const { value, transfer, bytes } = pack(given);
  const arrived = structuredClone(value, { transfer: MOVED.transfer(transfer) });
  assert.equal(bytes, 5);
  assert.deepEqual(arrived.list[1], "text");
  const [first] = arrived.list;
  assert(typeof first === "object");
  assert.equal(Buffer.from(first.bytes).toString(), "hello");
  assert.equal(pool.toString(), "xxhelloxx");
  assert.equal(pool.buffer.byteLength > 0, true, "the pool was not moved away");
});

test("many small values share buffers of CHUNK_BYTES at most, a large one has its own", () => {
  const small = Array.from({ length: 2_000 }, (_, i) => Buffer.alloc(100, i & 255));
  const large = Buffer.alloc(16 * 1024 + 1, 7);
  const { value, transfer } = pack([...small, large]);
  const sizes = transfer.map(({ byteLength }) => byteLength);
  assert.equal(sizes.at(-1), large.byteLength);
  assert(sizes.slice(0, -1).every((size) => size <= 16 * 1024));
  assert(sizes.length < 2_000 / 100, `${sizes.length} buffers`);
  assert(!transfer.includes(large.buffer as ArrayBuffer), "its owner keeps it");
  assert(value.every((each, i) => each.every((byte) => byte === (i < 2_000 ? i & 255 : 7))));
});

test("the first buffer of a batch is small: a few bytes cost a few", () => {
  const { transfer } = pack({ bytes: Buffer.from("hello") });
  assert.deepEqual(
    transfer.map(({ byteLength }) => byteLength),
    [512],
  );
});

test("what has no bytes is not copied", () => {
  const given = { list: [1, "two", { three: 3 }], set: new Set(["a"]) };
  assert.equal(pack(given).value, given);
});
