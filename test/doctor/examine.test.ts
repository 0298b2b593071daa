import assert from "node:assert/strict";
import { cpSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Examination, examine } from "../../src/doctor/examine.ts";
import { summaryOf } from "../../src/doctor/summary.ts";
import type { Write } from "../../src/store/contract.ts";
import { DataDirectory } from "../../src/store/directory.ts";
import { borrowLock } from "../../src/store/directory-lock.ts";
import { keyOf } from "../../src/store/keys.ts";
import { encodeMessage } from "../../src/store/records/message.ts";
import { decodeMeta, encodeMeta, type MetaRecord } from "../../src/store/records/meta.ts";
import { encodeOnce } from "../../src/store/records/once.ts";
import { encodeParked } from "../../src/store/records/parked.ts";
import { encodePosition } from "../../src/store/records/position.ts";
import { encodeTimer } from "../../src/store/records/timer.ts";
import { makeScene } from "../damage/scene.ts";
import { aNode } from "../node/a-node.ts";
import { tempDir } from "../support/temp.ts";

const NOW_MS = 1_000_000;
const META = keyOf("meta");

/** Every file below a folder with its bytes and times. */
function everything(dir: string): Map<string, string> {
  const paths = readdirSync(dir, { recursive: true, encoding: "utf8" }).sort();
  return new Map(
    paths.map((path) => {
      const found = lstatSync(join(dir, path));
      const { mtimeMs, size, mode } = found;
      const bytes = found.isFile() ? readFileSync(join(dir, path)).toString("base64") : "";
      return [path, `${mtimeMs} ${size} ${mode} ${bytes}`];
    }),
  );
}

/** A stopped node's directory of one partition, into whose store a test may write as it likes. */
async function directory(t: TestContext): Promise<string> {
  const dir = join(tempDir(t), "data");
  const node = await aNode(t, undefined, { dataDir: dir, partitions: 1 });
  await node.call("test/counter/one", 1);
  await node.call("test/alarm/one", "400d");
  await node.node.stop();
  return dir;
}

async function tamper(dir: string, change: (meta: MetaRecord) => readonly Write[]): Promise<void> {
  const application = "statefold";
  const data = await DataDirectory.open({ dir, application, partitions: 1 });
  const store = await data.openPartition(0);
  const [bytes] = await store.getMany([META]);
  assert(bytes !== undefined);
  const meta = decodeMeta(bytes);
  const next = { ...meta, epoch: meta.epoch + 1 };
  const writes = [{ key: META, value: encodeMeta(next) }, ...change(next)];
  await store.commit(writes, next.epoch);
  await data.close();
}

const message = (id: string) => ({
  target: { type: "test/counter", id },
  caller: undefined,
  value: { typename: "x/y", hasValue: true, value: new Uint8Array(1) },
  ...{
    id: "m",
    causeId: undefined,
    acceptedAtMs: 5,
    traceparent: undefined,
    headers: [],
    recordAtMs: undefined,
  },
});

function kinds({ findings }: Examination): string[] {
  return findings.map(({ kind, where, what }) => `${kind} ${where}: ${what}`);
}

test("a stopped node's directory is healthy, counted, and not a byte or time of it changes", async (t) => {
  const root = tempDir(t);
  const { dir } = await makeScene(root);
  const before = everything(dir);
  const found = await examine(dir, NOW_MS);
  assert.deepEqual(everything(dir), before);
  assert.deepEqual(kinds(found), []);
  assert(found.isHealthy);
  const { partitions, topics, description } = summaryOf(found);
  assert.equal(description?.partitions, 2);
  const sum = (of: (each: (typeof partitions)[number]) => number) =>
    partitions.reduce((total, each) => total + of(each), 0);
  assert.equal(
    sum((each) => each.timers.count),
    12,
  );
  assert.equal(
    sum((each) => each.dead.count),
    12,
  );
  assert.equal(
    sum((each) => each.onceKeys),
    12,
  );
  assert.equal(
    sum((each) => each.addressesByType["test/counter"] ?? 0),
    4,
  );
  const [parked] = partitions.flatMap((each) => each.parked);
  assert.equal(parked?.messages, 12);
  assert.equal(parked?.code, "FUNCTION_FAILED");
  assert(
    partitions.every(({ epoch, witnessEpoch }) => epoch !== undefined && epoch === witnessEpoch),
  );
  for (const { name, partitions: each } of topics) {
    const records = each.reduce((total, { records: count }) => total + count, 0);
    assert.equal(records, 12, name);
  }
});

test("a node that runs on the directory is left alone", async (t) => {
  const dir = join(tempDir(t), "data");
  const node = await aNode(t, undefined, { dataDir: dir });
  await assert.rejects(examine(dir, NOW_MS), {
    code: "STORE_LOCKED",
    message: /in use by this process/,
  });
  await node.node.stop();
  assert((await examine(dir, NOW_MS)).isHealthy);
});

test("while it is being examined no other can hold it, and then anybody", async (t) => {
  const dir = await directory(t);
  const lock = await borrowLock(join(dir, "lock"));
  await assert.rejects(examine(dir, NOW_MS), { code: "STORE_LOCKED" });
  await lock?.release();
  assert((await examine(dir, NOW_MS)).isHealthy);
});

test("what is no data directory is refused", async (t) => {
  await assert.rejects(examine("/nowhere", NOW_MS), { code: "STORE_FOREIGN" });
  await assert.rejects(examine(tempDir(t), NOW_MS), { code: "STORE_FOREIGN" });
});

test("sums that do not agree with the raw records are found (I4)", async (t) => {
  const dir = await directory(t);
  await tamper(dir, ({ nextSequence }) => [
    {
      key: keyOf("mail", "test/counter", "one", nextSequence - 1),
      value: encodeMessage(message("one")),
    },
  ]);
  const found = await examine(dir, NOW_MS);
  assert.deepEqual(kinds(found), [
    "contradiction partition 0: 1 messages in mailboxes are there, and the partition counts 0 (I4)",
  ]);
  assert(!found.isHealthy);
});

test("records that do not fit together are found, each with what it means", async (t) => {
  const dir = await directory(t);
  const once = { target: { type: "a/b", id: "c" }, messageId: "m", callId: "", expiresAtMs: 7 };
  const timer = { message: message("one"), sender: { type: "a/b", id: "c" }, token: "lonely" };
  await tamper(dir, (meta) => [
    { key: keyOf("token", "c", "orphan"), value: keyOf("timer", 9, 9).subarray(1) },
    { key: keyOf("timer", 77, 3), value: encodeTimer(timer) },
    { key: keyOf("once", "a/b", "c", "k"), value: encodeOnce({ ...once, key: "k" }) },
    {
      key: keyOf("parked", "test/counter", "idle"),
      value: encodeParked({
        address: { type: "test/counter", id: "idle" },
        ...{ code: "FUNCTION_FAILED", reason: "why", sinceMs: 1, attempts: 1 },
      }),
    },
    {
      key: keyOf("position", "log/test/in/nowhere/0"),
      value: encodePosition("log/test/in/nowhere/0", 5),
    },
    {
      key: META,
      value: encodeMeta({ ...meta, timers: meta.timers + 1, accepted: meta.accepted + 1 }),
    },
  ]);
  const found = await examine(dir, NOW_MS);
  assert.deepEqual(kinds(found), [
    "contradiction partition 0: test/counter/idle is parked, and has no message that could be tried or skipped",
    'contradiction partition 0: token "c"/"orphan" (due 1970-01-01T00:00:00.009Z) has no delayed message',
    'contradiction partition 0: token "c"/"lonely" (due 1970-01-01T00:00:00.077Z) of a delayed message is unknown',
    "contradiction partition 0: a once that expires at 1970-01-01T00:00:00.007Z is not in the index of what expires",
    "contradiction partition 0: log/test/in/nowhere/0 has been read up to 5, and there is no such topic partition",
  ]);
  assert(found.findings.every(({ means, advice }) => means !== "" && advice !== ""));
  const [partition] = summaryOf(found).partitions;
  assert.deepEqual([partition?.timers.due, partition?.timers.oldestAtMs], [1, 77]);
});

test("a damaged table, log, witness and topic are all named in one examination", async (t) => {
  const root = tempDir(t);
  const { dir } = await makeScene(root);
  const spoil = (folder: string, pattern: RegExp) => {
    const name = readdirSync(join(dir, folder)).find((each) => pattern.test(each)) ?? "";
    const bytes = readFileSync(join(dir, folder, name));
    const at = Math.floor(bytes.byteLength / 3);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(join(dir, folder, name), bytes);
    return name;
  };
  const table = spoil("partitions/0", /\.ldb$/);
  rmSync(join(dir, "partitions/1/CURRENT"));
  rmSync(join(dir, "witness/1"));
  const segment = spoil("topics/orders/1", /\.log$/);
  rmSync(join(dir, "topics/receipts"), { recursive: true });
  const before = everything(dir);
  const found = await examine(dir, NOW_MS);
  assert.deepEqual(everything(dir), before);
  const damaged = kinds(found).filter((each) => each.startsWith("damage"));
  const expected = [
    new RegExp(`^damage partitions/0/${table}: the table is damaged: the block at \\d+ fails`),
    /^damage witness\/1: .*missing/,
    /^damage partitions\/1: .*CURRENT is missing/,
    /^damage topics\/receipts: .*the topic is missing/,
    new RegExp(`^damage topics/orders/1: .*${segment} at byte`),
  ];
  for (const pattern of expected) {
    assert(
      damaged.some((each) => pattern.test(each)),
      `${pattern} in\n${damaged.join("\n")}`,
    );
  }
  assert.equal(damaged.length, expected.length, damaged.join("\n"));
});

test("a directory put back whole from an older copy, but for its topics, is found out by them", async (t) => {
  const root = tempDir(t);
  const { dir, older } = await makeScene(root);
  for (const name of ["partitions", "witness/0", "witness/1"]) {
    rmSync(join(dir, name), { recursive: true });
    cpSync(join(older, name), join(dir, name), { recursive: true });
  }
  const found = kinds(await examine(dir, NOW_MS));
  assert(
    found.some((each) => /topic receipts\/\d has record \d+ of test\/receipts\/\d/.test(each)),
    found.join("\n"),
  );
});
