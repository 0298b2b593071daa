import assert from "node:assert/strict";
import { test } from "node:test";
import {
  destinationOfPosition,
  egressDestination,
  endOfPrefix,
  heirDestination,
  type KeyPart,
  KeyReader,
  keyOf,
  outboxSource,
  partitionDestination,
  peerOf,
  peerSource,
  placeOfDestination,
  TAGS,
} from "../../src/store/keys.ts";
import { createRng, type Rng } from "../support/rng.ts";

const CHARACTERS = ["\0", "\u0001", "a", "b", "/", "\u007f", "é", "€", "\uffff", "😀"];

function randomText(rng: Rng): string {
  return Array.from({ length: rng.int(4) }, () => rng.pick(CHARACTERS)).join("");
}

function randomNumber(rng: Rng): number {
  const near = rng.pick([0, 1, 255, 256, 2 ** 31, 2 ** 32, 2 ** 52]);
  return Math.min(Number.MAX_SAFE_INTEGER, near + rng.int(3));
}

/** The order that keys must have: texts by their UTF-8 bytes, numbers by value, part by part. */
function compareParts(a: readonly KeyPart[], b: readonly KeyPart[]): number {
  for (const [i, part] of a.entries()) {
    const other = b[i];
    const order =
      typeof part === "number"
        ? Math.sign(part - Number(other))
        : Buffer.compare(Buffer.from(String(part)), Buffer.from(String(other)));
    if (order !== 0) return order;
  }
  return 0;
}

test("keys are in the order of their parts", () => {
  const rng = createRng(11);
  for (let i = 0; i < 5000; i++) {
    const parts = (): KeyPart[] => [randomText(rng), randomText(rng), randomNumber(rng)];
    const [a, b] = [parts(), parts()];
    const order = Buffer.compare(keyOf("mail", ...a), keyOf("mail", ...b));
    assert.equal(order, compareParts(a, b), `${JSON.stringify(a)} and ${JSON.stringify(b)}`);
  }
});

test("numbers come first in the order of timers", () => {
  const rng = createRng(12);
  for (let i = 0; i < 1000; i++) {
    const [a, b] = [
      [randomNumber(rng), randomNumber(rng)],
      [randomNumber(rng), randomNumber(rng)],
    ];
    const order = Buffer.compare(keyOf("timer", ...a), keyOf("timer", ...b));
    assert.equal(order, compareParts(a, b), `${a} and ${b}`);
  }
});

test("what was put into a key is read from it", () => {
  const rng = createRng(13);
  for (let i = 0; i < 1000; i++) {
    const [text, number, kind] = [randomText(rng), randomNumber(rng), randomText(rng)];
    const rest = rng.bytes(rng.int(5));
    const reader = new KeyReader(keyOf("expiry", number, text, kind, rest));
    assert.equal(reader.number(), number);
    assert.equal(reader.text(), text);
    assert.equal(reader.text(), kind);
    assert.deepEqual(Buffer.from(reader.rest()), Buffer.from(rest));
  }
});

test("a lone surrogate becomes the replacement character, and the key stays whole", () => {
  const reader = new KeyReader(keyOf("mail", "a\ud800", "\udc00\0", 7));
  assert.deepEqual([reader.text(), reader.text(), reader.number()], ["a\ufffd", "\ufffd\0", 7]);
});

test("the first byte is the tag, and no two tags are the same", () => {
  assert.equal(new Set(Object.values(TAGS)).size, Object.values(TAGS).length);
  assert.deepEqual(Buffer.from(keyOf("meta")), Buffer.from("A"));
  assert.equal(Buffer.from(keyOf("state", "a/b", "x\0")).toString("hex"), "53612f6200017800ff0001");
  assert.equal(Buffer.from(keyOf("dead", 258)).toString("hex"), "440000000000000102");
});

test("a prefix of parts finds all that begin with them, and nothing else", () => {
  const prefix = keyOf("mail", "a/b", "id");
  const end = endOfPrefix(prefix);
  const isInside = (key: Uint8Array): boolean =>
    Buffer.compare(prefix, key) <= 0 && Buffer.compare(key, end) < 0;
  assert(isInside(prefix));
  assert(isInside(keyOf("mail", "a/b", "id", 0)));
  assert(isInside(keyOf("mail", "a/b", "id", Number.MAX_SAFE_INTEGER)));
  assert(!isInside(keyOf("mail", "a/b", "id\0", 0)));
  assert(!isInside(keyOf("mail", "a/b", "idd", 0)));
  assert(!isInside(keyOf("mail", "a/b", "ic", 9)));
});

test("the end of a prefix steps over bytes that cannot grow", () => {
  const end = (hex: string): string =>
    Buffer.from(endOfPrefix(Buffer.from(hex, "hex"))).toString("hex");
  assert.equal(end("41"), "42");
  assert.equal(end("41ff"), "42");
  assert.equal(end("4100ffff"), "4101");
  assert.throws(() => end("ffff"), RangeError);
  assert.throws(() => end(""), RangeError);
});

test("the end of a prefix leaves the prefix as it was", () => {
  const prefix = Buffer.from("4142", "hex");
  endOfPrefix(prefix);
  assert.equal(prefix.toString("hex"), "4142");
});

test("what is no key number is refused", () => {
  for (const number of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => keyOf("dead", number), /not a key number/);
  }
});

test("a key that ends too early is refused", () => {
  const key = keyOf("mail", "a", "b", 1);
  const reader = new KeyReader(key.subarray(0, key.byteLength - 1));
  reader.text();
  reader.text();
  assert.throws(() => reader.number(), /ends too early/);
  assert.throws(() => new KeyReader(Buffer.from("Mabc")).text(), /ends too early/);
});

test("a peer's channel is a source of its own name", () => {
  assert.equal(peerOf(peerSource(12)), 12);
  assert.equal(peerOf("log/topic/1"), undefined);
});

test("the position of an outbox says whose it is", () => {
  const [egress, heir] = [egressDestination("my/egress"), heirDestination(12, "my/egress")];
  for (const destination of [partitionDestination(3), egress, heir]) {
    assert.equal(destinationOfPosition(outboxSource(destination)), destination);
  }
  assert.equal(destinationOfPosition("log/topic/1"), undefined);
  assert.deepEqual(placeOfDestination("partition/3"), { kind: "partition", partition: 3 });
  const place = { kind: "egress", egress: "my/e" };
  assert.deepEqual(placeOfDestination("egress/my/e"), { ...place, heirOf: undefined });
  assert.deepEqual(placeOfDestination("heir/12/my/e"), { ...place, heirOf: 12 });
});
