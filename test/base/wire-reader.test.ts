import assert from "node:assert/strict";
import { test } from "node:test";
import { WireReader } from "../../src/base/wire-reader.ts";
import { WireWriter } from "../../src/base/wire-writer.ts";
import { createRng } from "../support/rng.ts";

const TAG = 0x0a;

function read<T>(payload: (to: WireWriter) => void, then: (from: WireReader) => T): T {
  const writer = new WireWriter();
  payload(writer);
  const reader = new WireReader(writer.finish());
  assert.equal(reader.field(), 1);
  return then(reader);
}

test("a name is the text that was written, whatever was read before it", () => {
  const rng = createRng(5);
  const letters = ["a", "b", "ä", "€", "\0", "\u007f", "\u0080", "😀"];
  for (let n = 0; n < 20_000; n++) {
    const text = Array.from({ length: rng.int(6) }, () => rng.pick(letters)).join("");
    const found = read(
      (to) => to.string(TAG, text),
      (from) => from.name("it"),
    );
    assert.equal(found, text);
  }
});

test("a name that is no UTF-8 is refused, also beside one that looks like it", () => {
  const name = (bytes: Uint8Array): string =>
    read(
      (to) => to.bytes(TAG, bytes),
      (from) => from.name("it"),
    );
  assert.equal(name(Buffer.from("é")), "é");
  assert.throws(() => name(Buffer.from("é", "latin1")), /it is not UTF-8/);
});

test("whole numbers come back, those below 0 too", () => {
  const large = [0, 1, 127, 128, 2 ** 31, 2 ** 32, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER];
  for (const number of [...large, ...large.map((each) => 0 - each)]) {
    const written = (to: WireWriter): void => {
      to.int64(number);
      to.varint(0x08);
    };
    assert.equal(
      read(written, (from) => from.int64("it")),
      number,
    );
  }
});
