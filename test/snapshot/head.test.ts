import assert from "node:assert/strict";
import { test } from "node:test";
import { writeDocument } from "../../src/snapshot/document.ts";
import { readHead, withHeir, writeHead } from "../../src/snapshot/head.ts";
import { HEAD } from "./examples.ts";

test("a head that was written is read", () => {
  assert.deepEqual(readHead(writeHead(HEAD)), HEAD);
});

test("a head that is damaged, or of a newer version, is refused by name", () => {
  const text = Buffer.from(writeHead(HEAD)).toString().replace('"beat": 5', '"beat": 6');
  assert.throws(() => readHead(Buffer.from(text)), { code: "SNAPSHOT_CORRUPT", message: /sha256/ });
  const named = writeHead({ ...HEAD, snapshots: ["../elsewhere"] });
  assert.throws(() => readHead(named), /snapshots holds what names no snapshot/);
  const newer = writeDocument({ kind: "head", format: 2 }, {});
  assert.throws(() => readHead(newer), { code: "SNAPSHOT_FORMAT", message: /head.json/ });
});

test("the latest heirs are remembered, each once", () => {
  let head = HEAD;
  for (let i = 1; i <= 20; i++) head = withHeir(head, `d${i}`, i);
  head = withHeir(head, "d19", 21);
  assert.equal(head.heirs.length, 16);
  assert.deepEqual(head.heirs.slice(-2), ["d20", "d19"]);
  assert.equal(head.incarnation, 21);
});
