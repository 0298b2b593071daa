import assert from "node:assert/strict";
import { test } from "node:test";
import { messageBytes } from "../../src/model/message.ts";
import { at, message } from "../partition/harness.ts";

test("a message weighs whatever of it can be long, and a flat amount around that", () => {
  const plain = message("m", at("a"), "");
  const flat = messageBytes(plain);
  assert(flat >= 200);
  const value = { ...plain.value, value: new Uint8Array(1_000) };
  assert.equal(messageBytes({ ...plain, value }), flat + 1_000);
  const headers = [{ key: "key", value: new Uint8Array(50) }];
  assert.equal(messageBytes({ ...plain, headers }), flat + 53);
  const metadata = { name: new Uint8Array(70) };
  assert(messageBytes({ ...plain, value: { ...plain.value, metadata } }) >= flat + 74);
  const caller = at("c".repeat(500));
  assert(messageBytes({ ...plain, caller, causeId: "x", traceparent: "y" }) >= flat + 502);
  assert(messageBytes({ ...plain, target: at("\u{20AC}".repeat(100)) }) >= flat + 598);
});
