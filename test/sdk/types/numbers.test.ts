import assert from "node:assert/strict";
import { test } from "node:test";
import { types } from "@statefold/sdk";
import { io } from "@statefold/sdk/protocol";
import { hex } from "../wire.ts";

const { DoubleWrapper, LongWrapper } = io.statefun.sdk.types;

test("zero and false are no bytes at all", () => {
  for (const type of [types.int, types.float, types.double, types.longAsNumber]) {
    assert.equal(type.serialize(0).length, 0);
    assert.equal(type.deserialize(new Uint8Array(0)), 0);
  }
  assert.equal(types.boolean.serialize(false).length, 0);
  assert.equal(types.long.serialize(0n).length, 0);
  assert.equal(types.longAsBigint.deserialize(new Uint8Array(0)), 0n);
});

test("long equals the generated LongWrapper", () => {
  for (const value of [1, -1, 2 ** 32, -(2 ** 32) - 5, Number.MAX_SAFE_INTEGER, -(2 ** 53) + 1]) {
    assert.equal(hex(types.long.serialize(value)), hex(LongWrapper.encode({ value }).finish()));
    assert.equal(hex(types.long.serialize(BigInt(value))), hex(types.long.serialize(value)));
    assert.equal(types.long.deserialize(types.long.serialize(value)), value);
  }
});

test("long is read as a number when that is exact, else as a bigint", () => {
  const read = (value: bigint) => types.long.deserialize(types.long.serialize(value));
  assert.equal(read(2n ** 53n - 1n), Number.MAX_SAFE_INTEGER);
  assert.equal(read(2n ** 53n), 2n ** 53n);
  assert.equal(read(-(2n ** 63n)), -(2n ** 63n));
  assert.equal(read(2n ** 63n - 1n), 2n ** 63n - 1n);
});

test("long as a number refuses what would be rounded", () => {
  const bytes = types.long.serialize(2n ** 60n);
  assert.throws(() => types.longAsNumber.deserialize(bytes), /1152921504606846976 is beyond/);
  assert.equal(types.longAsBigint.deserialize(bytes), 2n ** 60n);
});

test("double equals the generated DoubleWrapper", () => {
  for (const value of [1, -1, 0.1, Number.MIN_VALUE, Number.MAX_VALUE, Infinity, NaN]) {
    assert.equal(hex(types.double.serialize(value)), hex(DoubleWrapper.encode({ value }).finish()));
    assert.equal(types.double.deserialize(types.double.serialize(value)), value);
  }
});

test("a negative zero keeps its sign", () => {
  assert(Object.is(types.double.deserialize(types.double.serialize(-0)), -0));
  assert(Object.is(types.float.deserialize(types.float.serialize(-0)), -0));
});

test("a number that does not fit its type is refused", () => {
  for (const value of [1.5, 2 ** 31, NaN]) {
    assert.throws(() => types.int.serialize(value), RangeError);
  }
  assert.throws(() => types.long.serialize(2 ** 53), /safe integer/);
  assert.throws(() => types.long.serialize(2n ** 63n), /64 bits/);
  assert.throws(() => types.boolean.serialize(1 as unknown as boolean), TypeError);
});

test("bytes of another shape are refused", () => {
  const varint = Uint8Array.of(0x08, 0x05);
  assert.throws(() => types.int.deserialize(varint), /2 bytes \(08 05\) are no int/);
  assert.throws(() => types.long.deserialize(types.int.serialize(5)), /are no long/);
  assert.throws(() => types.boolean.deserialize(types.int.serialize(5)), /are no bool/);
});
