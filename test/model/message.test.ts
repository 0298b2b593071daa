import assert from "node:assert/strict";
import { test } from "node:test";
import { messageBytes } from "../../src/model/message.ts";
import { at, message } from "../partition/harness.ts";

test("a message weighs its payload, its id and its headers, and a flat amount around them", () => {
  const plain = message("m", at("a"), "");
  const flat = messageBytes(plain);
  assert(flat >= 200);
  const value = { ...plain.value, value: new Uint8Array(1_000) };
  assert.equal(messageBytes({ ...plain, value }), flat + 1_000);
  const headers = [{ key: "key", value: new Uint8Array(50) }];
  assert.equal(messageBytes({ ...plain, headers }), flat + 53);
});
