import assert from "node:assert/strict";
import { test } from "node:test";
import { types, type ValueType } from "@statefold/sdk";
import flink from "apache-flink-statefun";
import { hex } from "../wire.ts";

interface OfficialType<T> {
  readonly typename: string;
  serialize(value: T): Uint8Array;
  deserialize(bytes: Buffer): T;
}

function equalOnTheWire<T>(ours: ValueType<T>, theirs: OfficialType<T>, values: readonly T[]) {
  assert.equal(ours.typename, theirs.typename);
  for (const value of values) {
    const bytes = ours.serialize(value);
    assert.equal(hex(bytes), hex(theirs.serialize(value)), `bytes of ${String(value)}`);
    assert.deepEqual(theirs.deserialize(Buffer.from(bytes)), value);
    assert.deepEqual(ours.deserialize(theirs.serialize(value)), value);
  }
}

test("bool is written and read as the official SDK does", () => {
  equalOnTheWire(types.boolean, flink.StateFun.booleanType(), [true, false]);
});

test("int is written and read as the official SDK does", () => {
  const values = [0, 1, -1, 127, 128, 65_536, 2 ** 31 - 1, -(2 ** 31)];
  equalOnTheWire(types.int, flink.StateFun.intType(), values);
});

test("float is written and read as the official SDK does", () => {
  const values = [0, 1, -1, 0.5, 1e10, Math.fround(0.1), Infinity, -Infinity];
  equalOnTheWire(types.float, flink.StateFun.floatType(), values);
});

test("string is written and read as the official SDK does", () => {
  const values = ["", "a", "Grüße", "漢字 🦊", "\ufeffmark", "x".repeat(127), "y".repeat(128)];
  equalOnTheWire(types.string, flink.StateFun.stringType(), [...values, "z".repeat(20_000)]);
});

test("JSON is written and read as the official SDK does", () => {
  const name = "demo/anything";
  const values = [{ a: [1, null, "ü"] }, "text", 7, null, true];
  equalOnTheWire<unknown>(types.json(name), flink.StateFun.jsonType(name), values);
});

test("bytes is a custom type that does nothing to the official SDK", () => {
  const theirs = flink.StateFun.customType(
    types.bytes.typename,
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer) => new Uint8Array(bytes),
  );
  equalOnTheWire<Uint8Array>(types.bytes, theirs, [Uint8Array.of(), Uint8Array.of(0, 255, 10)]);
});
