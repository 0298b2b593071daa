import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_SHOWN_BYTES, viewValue } from "../../src/gateway/value-view.ts";
import { builtinFromJson } from "../../src/model/builtin-types.ts";

const view = (typename: string, bytes: Uint8Array) =>
  viewValue({ typename, hasValue: true, value: bytes });

test("built-in types and JSON are shown as values", () => {
  const long = "io.statefun.types/long";
  assert.deepEqual(view(long, builtinFromJson(long, "5")), { type: long, bytes: 9, value: 5 });
  assert.deepEqual(view("demo/Plan", Buffer.from('{"a":[1]}')).value, { a: [1] });
});

test("other text is shown as text, other bytes as base64", () => {
  assert.equal(view("demo/x", Buffer.from("hello there")).text, "hello there");
  assert.equal(view("demo/x", Uint8Array.of(0xff, 0)).base64, "/wA=");
});

test("JSON with a number that would be rounded is shown as text", () => {
  assert.equal(view("demo/x", Buffer.from('{"n":12345678901234567890}')).text?.length, 26);
});

test("a value too long to show is shown by its size", () => {
  const size = MAX_SHOWN_BYTES + 1;
  assert.deepEqual(view("demo/x", Buffer.alloc(size)), { type: "demo/x", bytes: size });
});

test("no value is null", () => {
  const none = { typename: "demo/x", hasValue: false, value: new Uint8Array(0) };
  assert.equal(viewValue(none).value, null);
});

test("bytes that are not of the built-in type they name are shown as they are", () => {
  assert.equal(view("io.statefun.types/int", Uint8Array.of(1)).base64, "AQ==");
});
