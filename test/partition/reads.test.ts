import assert from "node:assert/strict";
import { test } from "node:test";
import { Epochs } from "../../src/partition/epochs.ts";
import { Reads } from "../../src/partition/reads.ts";

const key = (text: string) => Buffer.from(text);
const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();
const answer = (...values: readonly (string | undefined)[]) => ({
  ...{ kind: "read" as const, scans: [] },
  values: values.map((value) => (value === undefined ? undefined : Buffer.from(value))),
});

function reads() {
  const epochs = new Epochs(0);
  const it = new Reads(epochs);
  const seen: (string | undefined)[] = [];
  return { epochs, it, seen, see: (bytes: Uint8Array | undefined) => void seen.push(text(bytes)) };
}

test("what is wanted in a turn is asked for in one request; what comes meanwhile goes with the next", () => {
  const { it, seen, see } = reads();
  it.get(key("a"), see);
  it.get(key("b"), see);
  assert.deepEqual(it.next()?.keys.map(text), ["a", "b"]);
  it.get(key("c"), see);
  assert.equal(it.next(), undefined);
  it.complete(answer("1", undefined));
  assert.deepEqual(seen, ["1", undefined]);
  assert.deepEqual(it.next()?.keys.map(text), ["c"]);
});

test("a value that is known from an uncommitted write needs no request", () => {
  const { epochs, it, seen, see } = reads();
  epochs.writeVisible(key("a"), Buffer.from("new"));
  it.get(key("a"), see);
  assert.deepEqual(seen, ["new"]);
  assert.equal(it.next(), undefined);
});

test("a write that came after the store had looked is seen, also when it is durable by now", () => {
  const { epochs, it, seen, see } = reads();
  it.get(key("a"), see);
  it.next();
  epochs.writeVisible(key("a"), Buffer.from("new"));
  epochs.begin();
  epochs.complete(1);
  it.complete(answer("old"));
  assert.deepEqual(seen, ["new"]);
});

test("a continuation sees what the one before it wrote", () => {
  const { epochs, it, seen, see } = reads();
  it.get(key("a"), () => epochs.writeVisible(key("a"), Buffer.from("by the first")));
  it.get(key("a"), see);
  it.next();
  it.complete(answer(undefined, undefined));
  assert.deepEqual(seen, ["by the first"]);
});

test("several keys are seen together, as of the moment they are handed over", () => {
  const { epochs, it, seen } = reads();
  epochs.writeVisible(key("a"), Buffer.from("early"));
  it.getMany([key("a"), key("b")], (values) => seen.push(...values.map(text)));
  it.next();
  epochs.writeVisible(key("a"), undefined);
  it.complete(answer("stored", "b"));
  assert.deepEqual(seen, [undefined, "b"]);
});

test("scans are handed over in order, beside the keys", () => {
  const { it } = reads();
  const found: unknown[] = [];
  const range = (from: string) => ({ from: key(from), until: key(`${from}~`), limit: 10 });
  it.scan(range("a"), (entries) => found.push(["a", entries.length]));
  it.scan(range("b"), (entries) => found.push(["b", entries.length]));
  assert.equal(it.next()?.ranges.length, 2);
  const entry = { key: key("a1"), value: key("1") };
  it.complete({ kind: "read", values: [], scans: [[entry], []] });
  assert.deepEqual(found, [
    ["a", 1],
    ["b", 0],
  ]);
});

test("an answer nobody asked for is a mistake", () => {
  const { it } = reads();
  assert.throws(() => it.complete(answer()), /not asked for/);
});
