import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader, ByteWriter } from "../../src/log/codec.ts";
import { FRAME_HEAD_BYTES, findFrame, frameAt, frameBytes } from "../../src/log/frame.ts";

test("numbers come back from every encoding, up to the largest safe integer", () => {
  const numbers = [0, 1, 127, 128, 300, 2 ** 31, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER];
  const writer = new ByteWriter(1);
  for (const number of numbers) {
    writer.varint(number);
    writer.u64(number);
  }
  for (const number of [0, 5, -5, 2 ** 52 - 1, -(2 ** 52) + 1]) writer.zigzag(number);
  const reader = new ByteReader(writer.view());
  for (const number of numbers) {
    assert.equal(reader.varint(), number);
    assert.equal(reader.u64(), number);
  }
  for (const number of [0, 5, -5, 2 ** 52 - 1, -(2 ** 52) + 1])
    assert.equal(reader.zigzag(), number);
  assert(reader.done);
  assert.throws(() => reader.u8(), RangeError);
});

test("a frame is whole, short or bad", () => {
  const bytes = frameBytes("batch", 700, (writer) => writer.text("body"));
  const whole = frameAt(bytes, 0, 700);
  assert(whole.kind === "frame");
  assert.equal(whole.frame.size, bytes.byteLength);
  assert.equal(new ByteReader(whole.frame.body).text(), "body");
  for (let length = 0; length < bytes.byteLength; length++) {
    assert.equal(frameAt(bytes.subarray(0, length), 0, 700).kind, "short");
  }
  for (let at = 0; at < bytes.byteLength; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 4;
    assert.notEqual(frameAt(damaged, 0, 700).kind, "frame", `byte ${at}`);
  }
});

test("a frame in another place than it was written for is none", () => {
  const inner = frameBytes("batch", 0, (writer) => writer.text("a frame as a value"));
  const outer = frameBytes("batch", 0, (writer) => writer.bytes(inner));
  assert.equal(frameAt(outer, FRAME_HEAD_BYTES + 1, 0).kind, "bad");
  assert.equal(findFrame(outer, 1, 0), undefined);
});

test("the next whole frame is found behind damage", () => {
  const first = frameBytes("batch", 0, (writer) => writer.text("one"));
  const second = frameBytes("batch", first.byteLength, (writer) => writer.text("two"));
  const bytes = Buffer.concat([first, second]);
  bytes[FRAME_HEAD_BYTES] = 0xee;
  assert.equal(frameAt(bytes, 0, 0).kind, "bad");
  assert.equal(findFrame(bytes, 1, 0)?.position, first.byteLength);
});
