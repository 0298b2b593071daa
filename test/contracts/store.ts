import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { statefold } from "#stored";
import type { Entry, ScanRange, Store, StoreInTheMaking, Write } from "../../src/store/contract.ts";
import { FORMAT_VERSION } from "../../src/store/format.ts";
import { endOfPrefix, keyOf } from "../../src/store/keys.ts";
import { MAX_COMMIT_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES } from "../../src/store/limits.ts";
import type { PartitionIdentity } from "../../src/store/witnessed-store.ts";
import { createRng, type Rng } from "../support/rng.ts";

/** A store under test, empty at first. */
export interface StoreUnderTest {
  readonly store: Store & StoreInTheMaking;
  /** Closes it and opens it again on what it kept. */
  reopen(): Promise<Store>;
}

/** The application, partition and count of the meta records that these tests write. */
export const IDENTITY: PartitionIdentity = { application: "test", partition: 0, partitionCount: 1 };

/** A partition's meta record at `epoch`: every commit of a partition holds one. */
export function metaWrite(epoch: number, identity = IDENTITY): Write {
  const meta = { formatVersion: FORMAT_VERSION, ...identity, epoch };
  return { key: keyOf("meta"), value: statefold.stored.Meta.encode(meta).finish() };
}

/** Entries of these tests lie under one tag, apart from the meta record. */
export function deadKey(...bytes: readonly number[]): Uint8Array {
  return Buffer.concat([PREFIX, Buffer.from(bytes)]);
}

const PREFIX = Buffer.from("D");
const EVERYTHING: ScanRange = { from: PREFIX, until: endOfPrefix(PREFIX), limit: 1_000_000 };

/** What every store must do: runs as tests of their own under `name`. */
export function storeContract(
  name: string,
  open: (t: TestContext) => Promise<StoreUnderTest>,
): void {
  const storeTest: StoreTest = (title, body) => {
    test(`${name}: ${title}`, async (t) => body(await open(t)));
  };
  commitTests(storeTest);
  fillTests(storeTest);
  scanTests(storeTest);
  limitTests(storeTest);
  snapshotTests(storeTest);
  endTests(storeTest);
}

type StoreTest = (title: string, body: (under: StoreUnderTest) => Promise<void>) => void;

function fillTests(storeTest: StoreTest): void {
  storeTest("what is filled is there with the commit that follows", async ({ store, reopen }) => {
    const values = Array.from({ length: 40 }, (_, i) => Buffer.alloc(i * 8_000, `${i} `));
    for (let i = 0; i < values.length; i += 4) {
      const some = values.slice(i, i + 4);
      await store.fill(some.map((value, j) => ({ key: deadKey(i + j), value })));
    }
    await store.commit([metaWrite(7)], 7);
    const again = await reopen();
    const found = await again.getMany(values.map((_, i) => deadKey(i)));
    const isSame = found.map((value, i) => value && values[i]?.equals(value));
    assert.deepEqual(new Set(isSame), new Set([true]));
  });

  storeTest("nothing is filled in that could be believed already", async ({ store }) => {
    await store.commit([metaWrite(1)], 1);
    await assert.rejects(store.fill([put([1], "late")]), /before its first commit/);
    assert.deepEqual(await store.scan(EVERYTHING), []);
  });

  storeTest("a value too large to be committed is not filled either", async ({ store }) => {
    const value = Buffer.alloc(MAX_VALUE_BYTES + 1);
    await assert.rejects(store.fill([{ key: deadKey(1), value }]), { code: "VALUE_TOO_LARGE" });
  });
}

function commitTests(storeTest: StoreTest): void {
  storeTest("an empty store has nothing", async ({ store }) => {
    assert.deepEqual(await store.getMany([]), []);
    assert.deepEqual(await store.getMany([deadKey(1), deadKey()]), [undefined, undefined]);
    assert.deepEqual(await store.scan(EVERYTHING), []);
  });

  storeTest("values come back in the order of the keys asked for", async ({ store }) => {
    await store.commit([put([1], "one"), put([2], "two"), put([3], ""), metaWrite(1)], 1);
    const keys = [deadKey(3), deadKey(9), deadKey(1), deadKey(1), deadKey(2)];
    const texts = (await store.getMany(keys)).map((value) => value && textOf(value));
    assert.deepEqual(texts, ["", undefined, "one", "one", "two"]);
  });

  storeTest("of several writes of one key the last counts", async ({ store }) => {
    const gone = { key: deadKey(2), value: undefined };
    const writes = [put([1], "a"), put([1], "b"), put([2], "c"), gone, gone, put([3], "d")];
    await store.commit([{ key: deadKey(3), value: undefined }, ...writes, metaWrite(1)], 1);
    assert.deepEqual(show(await store.scan(EVERYTHING)), ["01=b", "03=d"]);
  });

  storeTest("a deleted key is gone, and may come again", async ({ store }) => {
    await store.commit([put([1], "a"), put([2], "b"), metaWrite(1)], 1);
    await store.commit([{ key: deadKey(1), value: undefined }, metaWrite(2)], 2);
    assert.deepEqual(show(await store.scan(EVERYTHING)), ["02=b"]);
    await store.commit([put([1], "again"), metaWrite(3)], 3);
    assert.deepEqual(show(await store.scan(EVERYTHING)), ["01=again", "02=b"]);
  });
}

function scanTests(storeTest: StoreTest): void {
  storeTest("a scan is in the order of unsigned bytes", async ({ store }) => {
    const keys = [[0x80], [0x7f], [0xff], [0], [], [0, 0], [0x7f, 0xff], [1]];
    await store.commit([...keys.map((key) => put(key, "")), metaWrite(1)], 1);
    const inOrder = ["", "00", "0000", "01", "7f", "7fff", "80", "ff"];
    assert.deepEqual(
      show(await store.scan(EVERYTHING)),
      inOrder.map((key) => `${key}=`),
    );
  });

  storeTest("a scan takes its first key in and leaves its last out", async ({ store }) => {
    await store.commit([...[1, 2, 3, 4].map((key) => put([key], "")), metaWrite(1)], 1);
    const scan = async (from: number[], until: number[], limit = 10): Promise<string[]> =>
      show(await store.scan({ from: deadKey(...from), until: deadKey(...until), limit }));
    assert.deepEqual(await scan([2], [4]), ["02=", "03="]);
    assert.deepEqual(await scan([1, 0], [4, 0]), ["02=", "03=", "04="]);
    assert.deepEqual(await scan([1], [4], 2), ["01=", "02="]);
    assert.deepEqual(await scan([3], [3]), []);
    assert.deepEqual(await scan([4], [2]), []);
  });

  storeTest("a scan ends after the entry that reaches its bytes", async ({ store }) => {
    await store.commit([...[1, 2, 3].map((key) => put([key], "12345678")), metaWrite(1)], 1);
    const count = async (maxBytes: number): Promise<number> =>
      (await store.scan({ ...EVERYTHING, maxBytes })).length;
    // An entry has 2 + 8 bytes.
    assert.deepEqual(
      [await count(1), await count(10), await count(11), await count(99)],
      [1, 1, 2, 3],
    );
  });

  storeTest("a scan of one large commit returns all of it", async ({ store }) => {
    const numbers = Array.from({ length: 12_000 }, (_, i) => i);
    const writes = numbers.map((i) => put([i >> 8, i & 255], `${i}`));
    await store.commit([...writes, metaWrite(1)], 1);
    const found = await store.scan(EVERYTHING);
    assert.deepEqual(
      found.map((entry) => textOf(entry.value)),
      numbers.map(String),
    );
    assert.equal((await store.scan({ ...EVERYTHING, limit: 7_000 })).length, 7_000);
  });
}

function limitTests(storeTest: StoreTest): void {
  storeTest("a value of 10 MB works", async ({ store, reopen }) => {
    const value = Buffer.alloc(10_000_000, "statefold");
    await store.commit([{ key: deadKey(1), value }, metaWrite(1)], 1);
    const again = await reopen();
    const [found] = await again.getMany([deadKey(1)]);
    assert(found !== undefined && Buffer.compare(found, value) === 0);
    const entries = await again.scan({ ...EVERYTHING, maxBytes: 1000 });
    assert.equal(entries[0]?.value.byteLength, value.byteLength);
  });

  storeTest("a commit beyond a limit is refused by name and changes nothing", async ({ store }) => {
    const tooLarge = { code: "VALUE_TOO_LARGE" };
    const key = Buffer.concat([PREFIX, Buffer.alloc(MAX_KEY_BYTES)]);
    const good = put([1], "good");
    const commit = (...writes: Write[]): Promise<void> =>
      store.commit([good, ...writes, metaWrite(1)], 1);
    await assert.rejects(commit({ key, value: undefined }), tooLarge);
    await assert.rejects(commit({ key: deadKey(2), value: zeros(MAX_VALUE_BYTES + 1) }), tooLarge);
    const part = zeros(MAX_VALUE_BYTES - 10);
    const parts = Array.from({ length: MAX_COMMIT_BYTES / MAX_VALUE_BYTES + 1 }, (_, i) => ({
      key: deadKey(i),
      value: part,
    }));
    await assert.rejects(commit(...parts), tooLarge);
    assert.deepEqual(await store.scan(EVERYTHING), []);
    await store.commit([good, metaWrite(1)], 1);
    assert.deepEqual(show(await store.scan(EVERYTHING)), ["01=good"]);
  });

  storeTest("a key of the greatest size works", async ({ store }) => {
    const key = Buffer.concat([PREFIX, Buffer.alloc(MAX_KEY_BYTES - 1)]);
    await store.commit([{ key, value: Buffer.from("x") }, metaWrite(1)], 1);
    assert.equal((await store.scan(EVERYTHING))[0]?.key.byteLength, MAX_KEY_BYTES);
  });
}

function snapshotTests(storeTest: StoreTest): void {
  storeTest("a snapshot shows what was durable when it was taken", async ({ store }) => {
    await store.commit([put([1], "one"), put([2], "two"), metaWrite(1)], 1);
    const snapshot = store.snapshot();
    const gone = { key: deadKey(2), value: undefined };
    await store.commit([put([1], "other"), gone, put([3], "three"), metaWrite(2)], 2);
    assert.deepEqual(show(await snapshot.scan(EVERYTHING)), ["01=one", "02=two"]);
    assert.deepEqual(show(await snapshot.scan({ ...EVERYTHING, limit: 1 })), ["01=one"]);
    const found = await snapshot.getMany([deadKey(2), deadKey(3), deadKey(1)]);
    const texts = found.map((value) => value && textOf(value));
    assert.deepEqual(texts, ["two", undefined, "one"]);
    assert.deepEqual(show(await store.scan(EVERYTHING)), ["01=other", "03=three"]);
    await snapshot.close();
  });

  storeTest("several snapshots show several moments, and end by themselves", async ({ store }) => {
    const taken = [];
    for (let epoch = 1; epoch <= 3; epoch++) {
      await store.commit([put([1], `${epoch}`), metaWrite(epoch)], epoch);
      taken.push(store.snapshot());
    }
    await taken[1]?.close();
    const shown = [taken[0], taken[2]].map(async (each) =>
      show((await each?.scan(EVERYTHING)) ?? []),
    );
    assert.deepEqual(await Promise.all(shown), [["01=1"], ["01=3"]]);
    await Promise.all(taken.map((each) => each.close())); // one of them a second time
    assert.deepEqual(show(await store.scan(EVERYTHING)), ["01=3"]);
  });

  storeTest("a snapshot lets a read that is running finish, and takes no other", async (under) => {
    const { store } = under;
    await store.commit([put([1], "one"), metaWrite(1)], 1);
    const snapshot = store.snapshot();
    const reading = snapshot.scan(EVERYTHING);
    await snapshot.close();
    assert.deepEqual(show(await reading), ["01=one"]);
    await assert.rejects(async () => snapshot.getMany([deadKey(1)]), /after it was closed/);
  });

  storeTest("a store that is closed closes its snapshots", async ({ store, reopen }) => {
    await store.commit([put([1], "one"), metaWrite(1)], 1);
    const snapshot = store.snapshot();
    const again = await reopen();
    await assert.rejects(async () => snapshot.scan(EVERYTHING), { code: "UNAVAILABLE" });
    await assert.rejects(async () => snapshot.getMany([deadKey(1)]), { code: "UNAVAILABLE" });
    await snapshot.close();
    assert.deepEqual(show(await again.scan(EVERYTHING)), ["01=one"]);
  });
}

function endTests(storeTest: StoreTest): void {
  storeTest("what was committed is there after it is opened again", async ({ store, reopen }) => {
    await store.commit([put([1], "one"), metaWrite(1)], 1);
    await store.commit([put([2], "two"), metaWrite(5)], 5);
    const again = await reopen();
    assert.deepEqual(show(await again.scan(EVERYTHING)), ["01=one", "02=two"]);
    await again.commit([put([3], "three"), metaWrite(6)], 6);
    assert.equal((await again.scan(EVERYTHING)).length, 3);
  });

  storeTest("an epoch that does not grow is a broken assumption", async ({ store }) => {
    await store.commit([metaWrite(2)], 2);
    await assert.rejects(store.commit([metaWrite(2)], 2), /broken assumption: epoch 2/);
  });

  storeTest(
    "close may be called twice, and lets what is running finish",
    async ({ store, reopen }) => {
      const committing = store.commit([put([1], "one"), metaWrite(1)], 1);
      const reading = store.scan(EVERYTHING);
      await Promise.all([store.close(), store.close()]);
      await committing;
      await reading;
      await assert.rejects(store.getMany([deadKey(1)]), /after it was closed/);
      const again = await reopen();
      assert.deepEqual(show(await again.scan(EVERYTHING)), ["01=one"]);
    },
  );

  storeTest("it holds what a plain map would hold", async (under) => {
    const rng = createRng(20);
    const model = new Map<string, string>();
    let store: Store = under.store;
    for (let epoch = 1; epoch <= 60; epoch++) {
      const writes = randomWrites(rng, model);
      await store.commit([...writes, metaWrite(epoch)], epoch);
      const from = randomKey(rng);
      const until = randomKey(rng);
      const limit = 1 + rng.int(20);
      const found = show(await store.scan({ from, until, limit }));
      assert.deepEqual(found, modelScan(model, from, until, limit), `epoch ${epoch}`);
      if (rng.chance(0.05)) store = await under.reopen();
    }
  });
}

function put(key: readonly number[], text: string): Write {
  return { key: deadKey(...key), value: Buffer.from(text) };
}

function zeros(bytes: number): Uint8Array {
  return new Uint8Array(bytes); // not touched, so it takes no memory
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** `key=value`, the key in hex and without the tag. */
function show(entries: readonly Entry[]): string[] {
  return entries.map(({ key, value }) => `${hex(key)}=${textOf(value)}`);
}

function hex(key: Uint8Array): string {
  return Buffer.from(key.subarray(1)).toString("hex");
}

function randomKey(rng: Rng): Uint8Array {
  return deadKey(...Array.from({ length: rng.int(3) }, () => rng.pick([0, 1, 127, 128, 255])));
}

/** Writes for a commit, which the model has taken too. */
function randomWrites(rng: Rng, model: Map<string, string>): Write[] {
  return Array.from({ length: rng.int(8) }, () => {
    const key = randomKey(rng);
    if (rng.chance(0.3)) {
      model.delete(hex(key));
      return { key, value: undefined };
    }
    const text = `${rng.int(1000)}`;
    model.set(hex(key), text);
    return { key, value: Buffer.from(text) };
  });
}

function modelScan(
  model: ReadonlyMap<string, string>,
  from: Uint8Array,
  until: Uint8Array,
  limit: number,
): string[] {
  return [...model]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .filter(([key]) => key >= hex(from) && key < hex(until))
    .slice(0, limit)
    .map(([key, text]) => `${key}=${text}`);
}
