import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeStateEntry, encodeStateEntry } from "../../src/model/persisted-value.ts";
import { AddressState } from "../../src/partition/address-state.ts";
import { spec } from "./harness.ts";

const bytes = (text: string) => Buffer.from(text);
const AFTER_WRITE = spec("w", { expireMode: "afterWrite", expireAfterMs: 100 });
const AFTER_INVOKE = spec("i", { expireMode: "afterInvoke", expireAfterMs: 100 });
const byName = (...specs: readonly ReturnType<typeof spec>[]) =>
  new Map(specs.map((each) => [each.name, each]));

const carried = (entries: readonly Uint8Array[]) =>
  entries.map((entry) => {
    const { name, value } = decodeStateEntry(entry);
    return [name, value.hasValue ? Buffer.from(value.value).toString() : undefined];
  });

test("a request carries every registered state once, with its value or without", () => {
  const it = new AddressState("a");
  it.set(spec("x"), bytes("1"), 0);
  it.set(spec("x"), bytes("2"), 0);
  assert.deepEqual(carried(it.request(byName(spec("x"), spec("y")))), [
    ["x", "2"],
    ["y", undefined],
  ]);
});

test("an entry is encoded when it is set, and from then on the same bytes are sent", () => {
  const it = new AddressState("a");
  it.set(spec("x"), bytes("1"), 0);
  const entry = encodeStateEntry("x", spec("x").typename, bytes("1"));
  for (let i = 0; i < 2; i++) assert.deepEqual(it.request(byName(spec("x"))), [entry]);
  assert.deepEqual(it.encode(), entry);
});

test("a value that lives from its write ends then, however often it is used", () => {
  const it = new AddressState("a");
  it.set(AFTER_WRITE, bytes("1"), 1_000);
  assert(!it.refresh([AFTER_WRITE], 1_050));
  assert(!it.expire(1_099));
  assert(it.expire(1_100));
  assert(it.isEmpty);
  assert.equal(it.nextExpiryMs(), undefined);
});

test("a value that lives by use lives on from each invocation", () => {
  const it = new AddressState("a");
  it.set(AFTER_INVOKE, bytes("1"), 1_000);
  assert(it.refresh([AFTER_INVOKE], 1_050));
  assert(!it.refresh([AFTER_INVOKE], 1_050), "nothing changed");
  assert.equal(it.nextExpiryMs(), 1_150);
});

test("the earliest expiry counts, and one that is removed counts no more", () => {
  const it = new AddressState("a");
  it.set(AFTER_WRITE, bytes("1"), 1_000);
  it.set(AFTER_INVOKE, bytes("1"), 2_000);
  assert.equal(it.nextExpiryMs(), 1_100);
  assert(it.remove("w"));
  assert(!it.remove("w"));
  assert.equal(it.nextExpiryMs(), 2_100);
  it.set(spec("i"), bytes("for ever"), 3_000);
  assert.equal(it.nextExpiryMs(), undefined);
});

test("its bytes are those of its entries, whatever was set and removed", () => {
  const it = new AddressState("a");
  const empty = it.bytes;
  it.set(spec("x"), Buffer.alloc(1_000), 0);
  const one = it.bytes;
  assert.equal(one - empty, it.bytesOf("x"));
  it.set(spec("y"), Buffer.alloc(50), 0);
  it.set(spec("x"), Buffer.alloc(10), 0);
  it.remove("y");
  it.remove("x");
  assert.deepEqual([it.bytes, it.bytesOf("x")], [empty, 0]);
});
