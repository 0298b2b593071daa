import assert from "node:assert/strict";
import { test } from "node:test";
import { SdkError, types } from "@statefold/sdk";
import { io } from "@statefold/sdk/protocol";

const { Address } = io.statefun.sdk.reqreply;

test("plain text is no string of StateFun's, and says which type reads it", () => {
  const plain = new TextEncoder().encode("hello");
  assert.throws(() => types.string.deserialize(plain), /types\.text/);
  assert.equal(types.text("demo/line").deserialize(plain), "hello");
});

test("malformed UTF-8 is refused", () => {
  const malformed = Uint8Array.of(0x0a, 0x01, 0xff);
  assert.throws(() => types.string.deserialize(malformed), TypeError);
  assert.throws(() => types.json("demo/x").deserialize(Uint8Array.of(0x22, 0xff, 0x22)), TypeError);
});

test("bytes are copied in and out", () => {
  const given = Uint8Array.of(1, 2);
  const written = types.bytes.serialize(given);
  const read = types.bytes.deserialize(written);
  given[0] = 9;
  written[0] = 9;
  assert.deepEqual(read, Uint8Array.of(1, 2));
});

test("a JSON type's check decides what is let in", () => {
  const Age = types.json("demo/age", (parsed) => {
    if (typeof parsed !== "number") throw new TypeError("an age is a number");
    return parsed;
  });
  assert.equal(Age.deserialize(Age.serialize(7)), 7);
  assert.throws(() => Age.deserialize(new TextEncoder().encode('"7"')), /an age is a number/);
});

test("what JSON cannot hold is refused", () => {
  assert.throws(() => types.json<unknown>("demo/x").serialize(undefined), /no form in JSON/);
  assert.throws(() => types.json<unknown>("demo/x").serialize(1n), TypeError);
});

test("protobuf takes the code of each generator", () => {
  const wire = Address.encode({ namespace: "a", type: "b", id: "c" }).finish();
  const bytes = Uint8Array.from(wire);

  const protobufjs = types.protobuf("demo/Address", Address);
  assert.equal(protobufjs.deserialize(bytes).id, "c");
  assert.deepEqual(Uint8Array.from(protobufjs.serialize(protobufjs.deserialize(bytes))), bytes);

  const functions = types.protobuf("demo/Address", {
    toBinary: (text: string) => new TextEncoder().encode(text),
    fromBinary: (read) => new TextDecoder().decode(read),
  });
  assert.equal(functions.deserialize(functions.serialize("x")), "x");

  class Es1 {
    static fromBinary = (read: Uint8Array) => new Es1(read);
    readonly bytes: Uint8Array;
    constructor(read: Uint8Array) {
      this.bytes = read;
    }
    toBinary = () => this.bytes;
  }
  const es1 = types.protobuf("demo/Address", Es1);
  assert.deepEqual(es1.serialize(es1.deserialize(bytes)), bytes);

  class Google {
    static deserializeBinary = (read: Uint8Array) => new Google(read);
    readonly bytes: Uint8Array;
    constructor(read: Uint8Array) {
      this.bytes = read;
    }
    serializeBinary = () => this.bytes;
  }
  const google = types.protobuf("demo/Address", Google);
  assert.deepEqual(google.serialize(google.deserialize(bytes)), bytes);
});

test("a type needs a name with a namespace", () => {
  for (const name of ["", "demo", "/x", "x/"]) {
    assert.throws(
      () => types.json(name),
      (error) => error instanceof SdkError && error.code === "DEFINITION_INVALID",
    );
  }
});
