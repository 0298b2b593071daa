import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "@statefold/sdk/protocol";
import {
  type BuiltinType,
  builtinFromJson,
  builtinToJson,
  decodeBuiltin,
  encodeString,
  isBuiltinType,
  STRING_TYPE,
  unwrapString,
} from "../../src/model/builtin-types.ts";

const { types } = io.statefun.sdk;

const WRAPPERS = {
  bool: types.BooleanWrapper,
  int: types.IntWrapper,
  float: types.FloatWrapper,
  double: types.DoubleWrapper,
  string: types.StringWrapper,
} as const;

test("every built-in type is written byte for byte as the generated protocol writes it", () => {
  const samples: [keyof typeof WRAPPERS, boolean | number | string][] = [
    ["bool", true],
    ["int", 1],
    ["int", -2147483648],
    ["float", 0.5],
    ["float", -1e30],
    ["double", 0.1],
    ["double", -0],
    ["string", "grüße\n"],
    ["string", "x".repeat(300)],
  ];
  for (const [name, value] of samples) {
    const expected = WRAPPERS[name].encode({ value } as never).finish();
    const json = Object.is(value, -0) ? "-0" : JSON.stringify(value);
    const bytes = builtinFromJson(`io.statefun.types/${name}`, json);
    assert.deepEqual([...bytes], [...expected], `${name} ${String(value)}`);
  }
});

test("zero, false and the empty string are zero bytes, and zero bytes are read as them", () => {
  const zeros: [BuiltinType, string][] = [
    ["io.statefun.types/bool", "false"],
    ["io.statefun.types/int", "0"],
    ["io.statefun.types/float", "0"],
    ["io.statefun.types/long", "0"],
    ["io.statefun.types/double", "0"],
    ["io.statefun.types/string", '""'],
  ];
  for (const [type, json] of zeros) {
    assert.equal(builtinFromJson(type, json).byteLength, 0, type);
    assert.equal(builtinToJson(type, new Uint8Array(0)), json, type);
  }
});

test("JSON survives the way through the bytes", () => {
  const samples: [BuiltinType, string][] = [
    ["io.statefun.types/bool", "true"],
    ["io.statefun.types/int", "-7"],
    ["io.statefun.types/float", "0.1"],
    ["io.statefun.types/float", "3.4028235e+38"],
    ["io.statefun.types/long", "9007199254740991"],
    ["io.statefun.types/long", '"-9223372036854775808"'],
    ["io.statefun.types/double", "0.1"],
    ["io.statefun.types/double", '"NaN"'],
    ["io.statefun.types/double", '"-Infinity"'],
    ["io.statefun.types/double", "-0"],
    ["io.statefun.types/string", '"a\\"b ü"'],
  ];
  for (const [type, json] of samples) {
    assert.equal(builtinToJson(type, builtinFromJson(type, json)), json, `${type} ${json}`);
  }
});

test("a long is exact beyond what JavaScript's numbers hold, written as a number or as a string", () => {
  for (const json of ["9223372036854775807", '"9223372036854775807"']) {
    const bytes = builtinFromJson("io.statefun.types/long", json);
    assert.equal(decodeBuiltin("io.statefun.types/long", bytes), 9223372036854775807n);
  }
});

test("a value that does not fit its type is refused with what the type takes", () => {
  const wrong: [BuiltinType, string, RegExp][] = [
    ["io.statefun.types/bool", "1", /takes true or false, not 1/],
    ["io.statefun.types/int", "1.5", /at most 32 bits/],
    ["io.statefun.types/int", "2147483648", /at most 32 bits/],
    ["io.statefun.types/int", "true", /at most 32 bits/],
    ["io.statefun.types/long", "9223372036854775808", /at most 64 bits/],
    ["io.statefun.types/long", "1e3", /at most 64 bits/],
    ["io.statefun.types/float", "1e39", /fits into 32 bits/],
    ["io.statefun.types/double", '"many"', /takes a number/],
    ["io.statefun.types/double", "1e999", /takes a number/],
    ["io.statefun.types/string", "1", /takes a JSON string/],
    ["io.statefun.types/int", "one", /not JSON/],
  ];
  for (const [type, json, message] of wrong) {
    assert.throws(() => builtinFromJson(type, json), { code: "REQUEST_INVALID", message });
  }
});

test("bytes that are no value of the type are refused", () => {
  const wrong: [BuiltinType, number[]][] = [
    ["io.statefun.types/bool", [0x08, 2]],
    ["io.statefun.types/int", [0x35]],
    ["io.statefun.types/int", [0x09, 0, 0, 0, 1]],
    ["io.statefun.types/long", [0x09, 1]],
    ["io.statefun.types/string", [0x0a, 5, 0x61]],
    ["io.statefun.types/string", [0x0a, 1, 0xff]],
    ["io.statefun.types/string", [0x61]],
  ];
  for (const [type, bytes] of wrong) {
    assert.throws(() => decodeBuiltin(type, Uint8Array.from(bytes)), { code: "REQUEST_INVALID" });
  }
});

test("a wrapped string opens to the bytes it was made of, whatever its length", () => {
  for (const length of [0, 1, 127, 128, 16383, 16384, 2097152]) {
    const text = new Uint8Array(length).fill(0x61);
    assert.deepEqual(unwrapString(encodeString(text)), text, String(length));
  }
});

test("only the six names are built in", () => {
  assert(isBuiltinType(STRING_TYPE));
  assert(!isBuiltinType("io.statefun.types/bytes"));
  assert(!isBuiltinType("demo/int"));
});
