import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import {
  decodeStateEntry,
  encodeEmptyStateEntry,
  encodeStateEntry,
  stateEntryName,
  varintBytes,
} from "../../src/model/persisted-value.ts";

const { InvocationBatchRequest } = io.statefun.sdk.reqreply.ToFunction;

/** The same entry as the generated protocol writes it: field 2 of a request that holds nothing else. */
const generated = (stateName: string, typename?: string, value = new Uint8Array(0)): Buffer => {
  const stateValue = typename === undefined ? null : { typename, hasValue: true, value };
  return Buffer.from(
    InvocationBatchRequest.encode({ state: [{ stateName, stateValue }] }).finish(),
  );
};

/** Around every boundary where a length takes a byte more, for each of the nested lengths. */
const LENGTHS = [0, 1, 90, 100, 110, 115, 120, 125, 126, 127, 128, 129, 130, 255, 256]
  .concat([16_250, 16_300, 16_350, 16_360, 16_370, 16_380, 16_383, 16_384, 16_385, 65_536])
  .concat([2_097_000, 2_097_151, 2_097_152]);

test("an entry is, byte for byte, what the generated protocol writes", () => {
  for (const length of LENGTHS) {
    const value = Buffer.alloc(length, length);
    const entry = encodeStateEntry("count", "io.statefun.types/int", value);
    const expected = generated("count", "io.statefun.types/int", value);
    assert.equal(Buffer.compare(entry, expected), 0, `a value of ${length} bytes`);
  }
});

test("every length from 0 to 300 is written so", () => {
  for (let length = 0; length <= 300; length++) {
    const value = Buffer.alloc(length, 7);
    assert.deepEqual(
      Buffer.from(encodeStateEntry("n", "t/t", value)),
      generated("n", "t/t", value),
    );
  }
});

test("names and types of any length and script are written so", () => {
  for (const name of ["a", "größe", "😀", "n".repeat(127), "n".repeat(128), "n".repeat(256)]) {
    for (const type of ["a/b", `ä/${"t".repeat(130)}`]) {
      const value = Buffer.from("value");
      assert.deepEqual(
        Buffer.from(encodeStateEntry(name, type, value)),
        generated(name, type, value),
      );
    }
    assert.deepEqual(Buffer.from(encodeEmptyStateEntry(name)), generated(name));
  }
});

test("an entry is read back, and its name without the rest", () => {
  for (const length of LENGTHS) {
    const value = Buffer.alloc(length, 9);
    const entry = encodeStateEntry("größe", "a/b", value);
    const { name, value: typed } = decodeStateEntry(entry);
    assert.deepEqual([name, typed.typename, typed.hasValue], ["größe", "a/b", true]);
    assert.equal(Buffer.compare(typed.value, value), 0);
    assert.equal(stateEntryName(entry), "größe");
  }
});

test("a registered state without a value is its name alone", () => {
  const entry = encodeEmptyStateEntry("count");
  const { name, value } = decodeStateEntry(entry);
  assert.deepEqual([name, value.hasValue, value.value.byteLength], ["count", false, 0]);
  assert.equal(stateEntryName(entry), "count");
});

test("a present value without bytes is not the same as no value", () => {
  const { value } = decodeStateEntry(
    encodeStateEntry("flag", "io.statefun.types/bool", new Uint8Array(0)),
  );
  assert.deepEqual([value.hasValue, value.value.byteLength], [true, 0]);
});

test("an entry that was cut off is told", () => {
  assert.throws(() => decodeStateEntry(Uint8Array.of(0x12)), RangeError);
  assert.throws(() => decodeStateEntry(new Uint8Array(0)), RangeError);
});

test("a length takes a byte for every seven bits", () => {
  const known = [
    [0, 1],
    [127, 1],
    [128, 2],
    [16_383, 2],
    [16_384, 3],
    [2_097_151, 3],
    [2_097_152, 4],
    [2 ** 32, 5],
  ] as const;
  for (const [value, bytes] of known) assert.equal(varintBytes(value), bytes, `${value}`);
});
