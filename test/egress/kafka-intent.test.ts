import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeIntent, encodeIntent, type Intent } from "../../src/egress/kafka-intent.ts";

const at = { topic: "out", partition: 2 };
const marker = { next: 12, at, owner: { data: "d1", process: "p1" }, refused: [9] };
const intent: Intent = { producerId: 2n ** 60n, marker, firsts: [{ ...at, offset: 7 }] };

test("an intent is read as it was written", () => {
  assert.deepEqual(decodeIntent(encodeIntent(intent)), intent);
});

test("what a longer one has left behind it does not count", () => {
  const rest = Buffer.from("0}]}\n00000000\n");
  assert.deepEqual(decodeIntent(Buffer.concat([encodeIntent(intent), rest])), intent);
});

test("one that is torn is the one before, as long as nothing of that is gone, or none", () => {
  const before = { ...intent, firsts: [], marker: { ...marker, next: 11 } };
  const older = encodeIntent(before);
  const newer = encodeIntent(intent);
  const same = newer.findIndex((byte, i) => byte !== older[i]);
  for (let bytes = 0; bytes < newer.byteLength - 1; bytes++) {
    const torn = Buffer.concat([newer.subarray(0, bytes), older.subarray(bytes)]);
    assert.deepEqual(decodeIntent(torn), bytes <= same ? before : undefined, `${bytes} bytes`);
  }
  assert.equal(decodeIntent(new Uint8Array(0)), undefined);
});

test("one of a later version is none", async () => {
  const { crc32 } = await import("node:zlib");
  const json = '{"version":2}';
  const sum = crc32(json).toString(16).padStart(8, "0");
  assert.equal(decodeIntent(Buffer.from(`${json}\n${sum}\n`)), undefined);
});
