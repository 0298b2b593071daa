/* What is taken, read or written in one step, and that the rest follows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DelayedEffect } from "../../src/model/invocation.ts";
import { entriesOf } from "../../src/partition/recovery.ts";
import type { ScanRange } from "../../src/store/contract.ts";
import { endOfPrefix, keyOf, TAGS } from "../../src/store/keys.ts";
import { at, EGRESS, Harness, value } from "../partition/harness.ts";
import { SimDisk } from "../sim/disk.ts";

const MIB = 2 ** 20;

/** Answers reads and completes commits as `settle` does; returns how many entries of a tag each read brought. */
function readsOf(it: Harness, tag: "timer"): number[] {
  const found: number[] = [];
  for (let idle = 0; idle < 3; ) {
    if (it.read !== undefined) {
      const isWanted = it.read.ranges.map(({ from }) => from[0] === TAGS[tag]);
      const lengths = it.look().scans.map((entries) => entries.length);
      found.push(...lengths.filter((length, i) => isWanted[i] && length > 0));
      it.answerRead();
    } else if (it.commit !== undefined) it.completeCommit();
    else {
      it.turn();
      idle++;
    }
  }
  return found;
}

test("mail that waits on disk is read back LOAD_BYTES at a time, in order", async () => {
  const it = await Harness.open({ limits: { mailBytesInMemory: 0, batchBytes: 1 } });
  const texts = Array.from({ length: 9 }, (_, i) => `${i}`);
  it.settle(it.send(at("a"), "0"));
  it.settle(...texts.slice(1).map((text) => it.send(at("a"), text, { bytes: 300_000 })));
  const handled: string[] = [];
  const head = () => it.partition.mailboxes.get("test/function/a")?.head.size ?? 0;
  for (; it.batch !== undefined; it.settle()) {
    assert(head() <= 4, `${head()} of 300,000 bytes are in memory`);
    handled.push(...it.batch.map((text) => text.replaceAll(".", "")));
    it.reply();
  }
  assert.deepEqual(handled, texts);
});

test("an entry of an outbox ends at ENTRY_BYTES, and is sent and deleted by itself", async () => {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "tell"));
  const record = { egress: EGRESS, value: value("x".repeat(500_000)) };
  it.reply({ egress: [record, record, record, record] });
  it.settle();
  const sent = it.take("publish").map(({ first, records }) => [first, records.length]);
  assert.deepEqual(sent, [
    [1, 3],
    [4, 1],
  ]);
  assert.equal(it.stored("outbox").length, 2);
});

/** A partition that has to read these timers anew. */
async function withTimers(delayed: readonly DelayedEffect[]): Promise<Harness> {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "schedule"));
  it.reply({ delayed });
  it.settle();
  const next = await it.reopen();
  assert.equal(next.partition.timers.inMemory, delayed.length, "none is missed");
  next.nowMs += 1;
  return next;
}

const later = (text: string, delayMs: number): DelayedEffect => ({
  ...{ kind: "send", target: at("timed"), value: value(text), delayMs, token: "" },
});

/** How many of these timers each step brings into memory as they become due soon. */
async function stepsOf(delayed: readonly DelayedEffect[]): Promise<number[]> {
  const it = await Harness.open();
  it.settle(it.send(at("a"), "schedule"));
  it.reply({ delayed });
  it.settle();
  it.nowMs += 100_000;
  const reads = readsOf(it, "timer");
  it.nowMs += 50_000;
  reads.push(...readsOf(it, "timer"));
  assert.equal(it.partition.timers.inMemory, delayed.length);
  return reads;
}

test("timers are read LOAD_LIMIT at a time, and all of them before they are due", async () => {
  const delayed = Array.from({ length: 5_000 }, (_, i) => later(`${i}`, 200_000));
  assert.deepEqual(await stepsOf(delayed), [4_096, 904]);
});

test("timers are read LOAD_BYTES at a time", async () => {
  const delayed = Array.from({ length: 12 }, (_, i) => later(`${i}`.padEnd(MIB, "."), 200_000));
  assert.deepEqual(await stepsOf(delayed), [8, 4]);
});

test("after a restart the timers that are due soon are read at once", async () => {
  const it = await withTimers([later("x", 1_000), later("y", 2_000)]);
  it.pass(3_000);
  assert.deepEqual(it.batch, ["x"]);
});

test("opening reads PAGE entries at a time, and PAGE_BYTES", async () => {
  const disk = new SimDisk();
  const entries = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, i) => ({
      key: keyOf("dead", i),
      value: new Uint8Array(bytes),
    }));
  const pages: number[] = [];
  const scan = disk.scan.bind(disk);
  disk.scan = async (range: ScanRange) => {
    const page = await scan(range);
    pages.push(page.length);
    return page;
  };
  const count = async () => {
    let found = 0;
    for await (const entry of entriesOf(disk, "dead")) found += entry.key.byteLength > 0 ? 1 : 0;
    return found;
  };
  disk.apply(entries(12_000, 1), 1);
  assert.equal(await count(), 12_000);
  assert.deepEqual(pages.splice(0), [5_000, 5_000, 2_000, 0]);
  const all = disk.list({
    from: keyOf("dead"),
    until: endOfPrefix(keyOf("dead")),
    limit: Infinity,
  });
  disk.apply(
    all.map(({ key }) => ({ key, value: undefined })),
    2,
  );
  disk.apply(entries(20, MIB), 3);
  assert.equal(await count(), 20);
  assert.deepEqual(pages, [16, 4, 0]);
});
