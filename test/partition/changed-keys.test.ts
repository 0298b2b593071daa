import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangedKeys } from "../../src/partition/changed-keys.ts";
import type { Changes } from "../../src/partition/ports.ts";
import type { Write } from "../../src/store/contract.ts";
import { keyOf } from "../../src/store/keys.ts";
import { at, Harness, PLAIN, spec, value } from "./harness.ts";

const put = (id: string): Write => ({ key: keyOf("state", "t/t", id), value: Buffer.of(1) });
const mail = (sequence: number, isGone = false): Write => ({
  key: keyOf("mail", "t/t", "a", sequence),
  value: isGone ? undefined : Buffer.of(1),
});

/** The keys, one for each set, as their ids or sequences. */
function shown(changes: Changes | undefined): string[][] | undefined {
  return changes?.keys.map((set) =>
    [...set].map((text) => text.replaceAll(/[^a-z0-9]/g, "").slice(2) || `mail ${text.length}`),
  );
}

function known(limits = { changedKeys: 100, changedKeyBytes: 100_000 }): ChangedKeys {
  const changed = new ChangedKeys(limits);
  changed.cut(1);
  changed.complete(1);
  return changed;
}

test("what has changed before the first cut is unknown, and from a complete snapshot on it is known", () => {
  const changed = new ChangedKeys({ changedKeys: 100, changedKeyBytes: 100_000 });
  changed.add([put("a")]);
  assert.equal(changed.cut(1), undefined);
  changed.add([put("b")]);
  assert.equal(changed.cut(2), undefined, "the snapshot 1 is not complete");
  changed.complete(2);
  changed.add([put("c"), put("c")]);
  const changes = changed.cut(3);
  assert.equal(changes?.since, 2);
  assert.deepEqual(shown(changes), [["c"]]);
});

test("what changed up to a cut stays until a snapshot with it is complete", () => {
  const changed = known();
  changed.add([put("a")]);
  assert.deepEqual(shown(changed.cut(2)), [["a"]]);
  changed.add([put("b")]);
  assert.deepEqual(shown(changed.cut(3)), [["a"], ["b"]], "2 was given up, or is not done");
  changed.add([put("c")]);
  changed.complete(2);
  const changes = changed.cut(4);
  assert.deepEqual([changes?.since, shown(changes)], [2, [["b"], ["c"]]]);
});

test("a snapshot of an earlier life says nothing about this one", () => {
  const changed = known();
  changed.add([put("a")]);
  changed.complete(0);
  changed.complete(77);
  const changes = changed.cut(2);
  assert.deepEqual([changes?.since, shown(changes)], [1, [["a"]]]);
});

test("what came and went between two cuts no snapshot has seen", () => {
  const changed = known();
  changed.add([mail(1), mail(2)]);
  changed.add([mail(1, true)]);
  assert.equal(changed.cut(2)?.keys[0]?.size, 1);
  changed.add([mail(2, true)]);
  assert.equal(changed.cut(3)?.keys[1]?.size, 1, "the snapshot before may hold it");
});

test("what came and went under a name that was there before is told", () => {
  const changed = known();
  const token: Write = { key: keyOf("token", "id", "t"), value: Buffer.of(1) };
  changed.add([token]);
  changed.cut(2);
  changed.complete(2);
  changed.add([token]);
  changed.add([{ ...token, value: undefined }]);
  assert.equal(changed.cut(3)?.keys[0]?.size, 1);
});

test("beyond changedKeys it is unknown what has changed, up to the next complete snapshot", () => {
  const changed = known({ changedKeys: 2, changedKeyBytes: 100_000 });
  changed.add([put("a")]);
  changed.cut(2);
  changed.add([put("b"), put("c")]);
  assert.deepEqual([changed.count, changed.bytes], [0, 0]);
  changed.add([put("d")]);
  assert.equal(changed.cut(3), undefined);
  changed.add([put("e")]);
  assert.equal(changed.cut(4), undefined);
  changed.complete(3);
  const changes = changed.cut(5);
  assert.deepEqual([changes?.since, shown(changes)], [3, [["e"], []]]);
});

test("beyond changedKeyBytes it is unknown, too", () => {
  const changed = known({ changedKeys: 100, changedKeyBytes: 200 });
  changed.add([put("a"), put("b")]);
  assert(changed.bytes > 0);
  changed.add([put("c"), put("d")]);
  assert.equal(changed.cut(2), undefined);
});

test("of more than OPEN_CUTS that are not complete the oldest count as one", () => {
  const changed = known();
  for (let barrier = 2; barrier < 40; barrier++) {
    changed.add([put(`k${barrier}`)]);
    const changes = changed.cut(barrier);
    assert.equal(changes?.since, 1);
    assert((changes?.keys.length ?? 0) <= 8);
    assert.equal(new Set(shown(changes)?.flat()).size, barrier - 1, "none is forgotten");
  }
  changed.complete(39);
  assert.deepEqual([changed.count, changed.bytes], [0, 0]);
});

test("a partition that takes snapshots says what its epochs wrote", async () => {
  const it = await Harness.open({ snapshots: true });
  it.settle({ kind: "barrier", barrier: 1 });
  it.settle({ kind: "snapshotComplete", barrier: 1 });
  it.settle(it.send(at("a"), "x"));
  it.answer({ kind: "incomplete", missing: [spec("s")] });
  it.settle();
  it.reply({ mutations: [{ name: "s", value: value("1", PLAIN) }] });
  it.settle();
  it.turn({ kind: "barrier", barrier: 2 });
  const { cut } = it.completeCommit();
  const tags = [...(cut?.changes?.keys[0] ?? [])].map((text) => text[0]);
  assert.deepEqual(tags.sort(), ["A", "F", "S"], "the mail came and went");
});

test("where no snapshots are taken nothing is remembered", async () => {
  const it = await Harness.open();
  assert.equal(it.partition.changedKeys, undefined);
  it.turn({ kind: "barrier", barrier: 1 });
  const { cut } = it.completeCommit();
  assert.deepEqual([cut?.barrier, cut?.changes], [1, undefined]);
});
