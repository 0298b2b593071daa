import assert from "node:assert/strict";
import { test } from "node:test";
import { answerValue, readValue } from "../../src/gateway/values.ts";
import { builtinFromJson, encodeString } from "../../src/model/builtin-types.ts";

const INT = "io.statefun.types/int";
const STRING = "io.statefun.types/string";
const value = (typename: string, bytes: Uint8Array) => ({ typename, hasValue: true, value: bytes });

test("the type comes from its header, whatever the body is called", () => {
  for (const type of [undefined, "application/json", "text/plain", "application/octet-stream"]) {
    const headers = { "statefold-type": "demo/x", ...(type && { "content-type": type }) };
    assert.deepEqual(readValue(headers, Buffer.from("{}")), value("demo/x", Buffer.from("{}")));
  }
});

test("the type comes from the content type, as in the playground", () => {
  const headers = { "content-type": "application/vnd.example/GreetRequest; charset=utf-8" };
  assert.deepEqual(
    readValue(headers, Buffer.from("{}")),
    value("example/GreetRequest", Buffer.from("{}")),
  );
});

test("plain text is a string, wrapped as every SDK reads it", () => {
  const read = readValue({ "content-type": "text/plain;charset=UTF-8" }, Buffer.from("grüße"));
  assert.deepEqual(read, value(STRING, encodeString("grüße")));
  const empty = readValue({ "content-type": "text/plain" }, Buffer.alloc(0));
  assert.deepEqual([empty.hasValue, empty.value.byteLength], [true, 0]);
});

test("a built-in type is read from JSON, from text, or from its own bytes", () => {
  const wire = builtinFromJson(INT, "1");
  const named = { "statefold-type": INT };
  for (const [type, body] of [
    ["application/json", Buffer.from("1")],
    ["text/plain", Buffer.from("1\n")],
    ["application/octet-stream", Buffer.from(wire)],
  ] as const) {
    assert.deepEqual([...readValue({ ...named, "content-type": type }, body).value], [...wire]);
  }
});

test("a request that does not say its type, or says two, is refused with what would be right", () => {
  const wrong: [Record<string, string>, string, RegExp][] = [
    [{}, "", /without a content-type does not say its type; send the header statefold-type/],
    [{ "content-type": "application/json" }, "{}", /with content-type application\/json/],
    [{ "content-type": "application/x-www-form-urlencoded" }, "a", /or text\/plain for a string/],
    [
      { "content-type": "application/vnd.demo/x", "statefold-type": "demo/y" },
      "",
      /send one of them/,
    ],
    [{ "statefold-type": "a/b/c" }, "", /"a\/b\/c" is no type name/],
    [{ "content-type": "application/vnd.demo" }, "", /"demo" is no type name/],
    [{ "content-type": "text/plain; charset=latin1" }, "a", /charset latin1 is not taken/],
    [{ "statefold-type": INT }, "1", /not a serialized .*; to send it as JSON or text/],
    [{ "statefold-type": INT, "content-type": "application/json" }, '"x"', /takes a whole number/],
  ];
  for (const [headers, body, message] of wrong) {
    const read = () => readValue(headers, Buffer.from(body));
    assert.throws(read, { code: "REQUEST_INVALID", message });
  }
  const latin1 = () => readValue({ "content-type": "text/plain" }, Buffer.from([0xfc]));
  assert.throws(latin1, /not UTF-8/);
});

test("a string is answered as text, as JSON when that is accepted, as bytes when they are", () => {
  const string = value(STRING, encodeString("welcome"));
  for (const accept of [undefined, "*/*", "text/plain", "text/html"]) {
    const answer = answerValue(string, accept);
    assert.equal(answer.contentType, "text/plain; charset=utf-8");
    assert.equal(Buffer.from(answer.body).toString(), "welcome");
  }
  assert.equal(answerValue(string, "application/json").body, '"welcome"');
  for (const accept of [`application/vnd.${STRING}`, "application/octet-stream"]) {
    assert.deepEqual(answerValue(string, accept).body, encodeString("welcome"));
  }
});

test("other built-in types are bytes, or JSON when that is accepted", () => {
  const int = value(INT, builtinFromJson(INT, "7"));
  assert.deepEqual(answerValue(int, undefined), {
    contentType: `application/vnd.${INT}`,
    type: INT,
    body: int.value,
  });
  assert.deepEqual(answerValue(int, "application/json"), {
    contentType: "application/json",
    type: INT,
    body: "7",
  });
});

test("a value of any other type comes back byte for byte", () => {
  const own = value("demo/x", Uint8Array.of(0, 255));
  assert.deepEqual(answerValue(own, "application/json").body, own.value);
});

test("bytes that are not of the type they name come back as they are", () => {
  const broken = value(INT, Uint8Array.of(1, 2, 3));
  assert.deepEqual(answerValue(broken, "application/json").body, broken.value);
});

test("a type name that is not ASCII is percent-encoded in headers, and read back from there", () => {
  const { type } = answerValue(value("demo/größe", Buffer.alloc(0)), undefined);
  assert.equal(type, "demo/gr%C3%B6%C3%9Fe");
  assert.equal(readValue({ "statefold-type": type }, Buffer.alloc(0)).typename, "demo/größe");
});
