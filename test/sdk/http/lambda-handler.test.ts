import assert from "node:assert/strict";
import { test } from "node:test";
import { type LambdaEvent, lambdaHandler, requestReplyHandler } from "@statefold/sdk";
import { hex } from "../wire.ts";
import { add, BINARY, counter } from "./functions.ts";

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

/** As API Gateway's REST APIs send it. */
function v1(body: Uint8Array, rest: LambdaEvent = {}): LambdaEvent {
  return {
    httpMethod: "POST",
    headers: { "Content-Type": BINARY },
    body: base64(body),
    isBase64Encoded: true,
    ...rest,
  };
}

/** As API Gateway's HTTP APIs and function URLs send it. */
function v2(body: Uint8Array): LambdaEvent {
  return {
    requestContext: { http: { method: "POST" } },
    headers: { "content-type": BINARY },
    body: base64(body),
    isBase64Encoded: true,
  };
}

test("events of both versions are answered in base64", async () => {
  const expected = hex(await requestReplyHandler([counter]).handle(add(3)));
  for (const event of [v1(add(3)), v2(add(3))]) {
    const result = await lambdaHandler([counter])(event);
    assert.equal(result.statusCode, 200);
    assert.equal(result.isBase64Encoded, true);
    assert.equal(result.headers["content-type"], BINARY);
    assert.equal(Buffer.from(result.body, "base64").toString("hex"), expected);
  }
});

test("errors are answered in plain JSON", async () => {
  const handle = lambdaHandler([counter], { maxBodyBytes: 1_000 });
  const results = await Promise.all([
    handle(v1(add(-1))),
    handle(v1(add(1), { httpMethod: "GET" })),
    handle(v1(add(1), { headers: { "CONTENT-TYPE": "text/plain" } })),
    handle(v1(add(1), { body: null, headers: null })),
    handle(v1(add(1), { body: "not base64!" })),
    handle(v1(new Uint8Array(1_001))),
  ]);
  const told = results.map(({ statusCode, isBase64Encoded, body }) => {
    assert.equal(isBase64Encoded, false);
    return [statusCode, (JSON.parse(body) as { code: string }).code];
  });
  assert.deepEqual(told, [
    [500, "HANDLER_FAILED"],
    [405, "METHOD_NOT_ALLOWED"],
    [415, "MEDIA_TYPE_UNSUPPORTED"],
    [400, "REQUEST_MALFORMED"],
    [400, "REQUEST_MALFORMED"],
    [413, "BODY_TOO_LARGE"],
  ]);
});

test("a large answer survives the way through base64", async () => {
  const large = add(1);
  const padded = new Uint8Array(300_000);
  padded.set(large);
  // An unknown field of the protocol's, as long as it takes.
  const length = padded.length - large.length - 5;
  padded.set(
    [0xfa, 0x3f, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14],
    large.length,
  );
  const result = await lambdaHandler([counter])(v2(padded));
  assert.equal(result.statusCode, 200);
});
