import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchHandler, requestReplyHandler } from "@statefold/sdk";
import { hex } from "../wire.ts";
import { add, BINARY, counter } from "./functions.ts";

const url = "http://functions.example/any/path";
const headers = { "content-type": BINARY };

test("a request is answered with the handler's bytes", async () => {
  const handle = fetchHandler([counter]);
  const response = await handle(new Request(url, { method: "POST", body: add(3), headers }));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), BINARY);
  const expected = await requestReplyHandler([counter]).handle(add(3));
  assert.equal(hex(new Uint8Array(await response.arrayBuffer())), hex(expected));
});

test("a body that comes as a stream is put together, up to the limit", async () => {
  const streamed = (pieces: readonly Uint8Array[]) => {
    const body = new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
    return new Request(url, { method: "POST", body, headers, duplex: "half" } as RequestInit);
  };
  const handle = fetchHandler([counter], { maxBodyBytes: 1_000 });
  const body = add(1);
  const whole = await handle(streamed([body.subarray(0, 5), body.subarray(5)]));
  assert.equal(whole.status, 200);
  const over = await handle(streamed([new Uint8Array(600), new Uint8Array(600)]));
  assert.equal(over.status, 413);
});

test("errors have a status and a body", async () => {
  const handle = fetchHandler([counter]);
  const answers = await Promise.all([
    handle(new Request(url)),
    handle(new Request(url, { method: "POST", headers })),
    handle(
      new Request(url, { method: "POST", headers: { "content-type": "text/plain" }, body: "x" }),
    ),
    handle(new Request(url, { method: "POST", headers, body: add(-1) })),
  ]);
  const told = await Promise.all(
    answers.map(async (answer) => {
      const { code } = (await answer.json()) as { code: string };
      return [answer.status, code];
    }),
  );
  assert.deepEqual(told, [
    [405, "METHOD_NOT_ALLOWED"],
    [400, "REQUEST_MALFORMED"],
    [415, "MEDIA_TYPE_UNSUPPORTED"],
    [500, "HANDLER_FAILED"],
  ]);
});
