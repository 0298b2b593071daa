import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import {
  type BlobEntry,
  type BlobStore,
  MAX_CHUNK_BYTES,
  type PutResult,
  readBlob,
} from "../../src/blob/contract.ts";
import { createRng } from "../support/rng.ts";

/** A place under test, empty at first. */
export interface BlobStoreUnderTest {
  readonly store: BlobStore;
  /** The same place, as another process has it. */
  readonly other: BlobStore;
  /** Files, parts and the like of writes that came to nothing. */
  leftovers(): Promise<number>;
  /** A request that is cut as it comes in may leave something, which a later store gives up. */
  readonly mayLeave?: true;
}

/** What every blob store must do: runs as tests of their own under `name`. */
export function blobStoreContract(
  name: string,
  open: (t: TestContext) => Promise<BlobStoreUnderTest | undefined>,
): void {
  const blobTest: BlobTest = (title, body) => {
    test(`${name}: ${title}`, async (t) => {
      const under = await open(t);
      if (under !== undefined) await body(under);
    });
  };
  objectTests(blobTest);
  readingTests(blobTest);
  conditionTests(blobTest);
  raceTests(blobTest);
  listingTests(blobTest);
  keyTests(blobTest);
  abortTests(blobTest);
  endTests(blobTest);
}

type BlobTest = (title: string, body: (under: BlobStoreUnderTest) => Promise<void>) => void;

const bytesOf = (text: string): Uint8Array => Buffer.from(text);

export async function textAt(store: BlobStore, key: string): Promise<string | undefined> {
  const blob = await store.get(key);
  return blob === undefined ? undefined : Buffer.from(await readBlob(blob)).toString();
}

/** What `get` says of an object, without reading it. */
async function headOf(store: BlobStore, key: string): Promise<{ size: number; tag: string }> {
  const blob = await store.get(key);
  assert(blob !== undefined, key);
  await blob.discard();
  return { size: blob.size, tag: blob.tag };
}

export async function listed(entries: AsyncIterable<BlobEntry>): Promise<BlobEntry[]> {
  const all: BlobEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

const keysOf = (entries: readonly BlobEntry[]): string[] => entries.map(({ key }) => key);

export function tagOf(result: PutResult): string {
  assert(result.stored, JSON.stringify(result));
  return result.tag;
}

function objectTests(blobTest: BlobTest): void {
  blobTest("what is stored is there, for everyone", async ({ store, other }) => {
    const tag = tagOf(await store.put("a/b/one", bytesOf("hello")));
    assert.notEqual(tag, "");
    for (const each of [store, other]) {
      const blob = await each.get("a/b/one");
      assert.deepEqual([blob?.size, blob?.tag], [5, tag]);
      assert.equal(blob && Buffer.from(await readBlob(blob)).toString(), "hello");
    }
    const [entry, ...more] = await listed(other.list(""));
    assert.deepEqual([entry?.key, entry?.size, entry?.tag, more], ["a/b/one", 5, tag, []]);
    assert(Math.abs((entry?.modifiedMs ?? 0) - Date.now()) < 3_600_000);
  });

  blobTest("what was never stored is not there", async ({ store }) => {
    assert.equal(await store.get("a"), undefined);
    assert.equal(await store.get("a/b"), undefined);
    assert.deepEqual(await listed(store.list("")), []);
    await store.delete(["a", "a/b"]);
    await store.delete([]);
  });

  blobTest("an object may be empty", async ({ store }) => {
    await store.put("empty", bytesOf(""));
    await store.put("nothing", { open: async function* () {} });
    for (const key of ["empty", "nothing"]) {
      assert.equal((await headOf(store, key)).size, 0);
      assert.equal(await textAt(store, key), "");
    }
  });

  blobTest("a second write replaces the first, under another tag", async ({ store, other }) => {
    const first = tagOf(await store.put("k", bytesOf("first, and longer")));
    const second = tagOf(await other.put("k", bytesOf("second")));
    assert.notEqual(first, second);
    assert.equal(await textAt(store, "k"), "second");
    assert.equal((await headOf(store, "k")).tag, second);
  });

  blobTest("a source of unknown length is stored in the order it comes", async ({ store }) => {
    const chunks = ["ab", "", "c", "defg"].map(bytesOf);
    await store.put("unknown", {
      open: async function* () {
        yield* chunks;
      },
    });
    await store.put("known", {
      open: async function* () {
        yield* chunks;
      },
      size: 7,
    });
    assert.equal(await textAt(store, "unknown"), "abcdefg");
    assert.equal(await textAt(store, "known"), "abcdefg");
  });

  blobTest("a source of another length than it says is not stored", async ({ store }) => {
    const body = {
      open: async function* () {
        yield bytesOf("abc");
      },
      size: 4,
    };
    await assert.rejects(store.put("k", body), /broken assumption: .* of 4 bytes had 3/);
    assert.equal(await store.get("k"), undefined);
  });

  blobTest("deleted is gone, and may be deleted again", async ({ store, other }) => {
    for (const key of ["d/1", "d/2", "d/3", "e"]) await store.put(key, bytesOf(key));
    await store.delete(["d/1", "d/3", "d/none"]);
    assert.deepEqual(keysOf(await listed(other.list(""))), ["d/2", "e"]);
    assert.equal(await other.get("d/1"), undefined);
    await store.delete(["d/1", "d/2", "e"]);
    assert.deepEqual(await listed(other.list("")), []);
    await store.put("d/1", bytesOf("again"));
    assert.equal(await textAt(other, "d/1"), "again");
  });
}

/** Thirty MiB, never in memory at once. */
export const LARGE_BYTES = 30 * 1024 * 1024 + 17;

export async function* large(bytes = LARGE_BYTES): AsyncGenerator<Uint8Array> {
  const rng = createRng(1);
  const block = rng.bytes(97_003);
  for (let left = bytes; left > 0; left -= block.byteLength) {
    block[0] = left % 251; // so that no two blocks are alike
    yield Uint8Array.from(left < block.byteLength ? block.subarray(0, left) : block);
  }
}

export async function sha256(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    assert(chunk.byteLength <= MAX_CHUNK_BYTES);
    hash.update(chunk);
  }
  return hash.digest("hex");
}

function readingTests(blobTest: BlobTest): void {
  blobTest("a large object comes and goes in chunks", async ({ store, other, leftovers }) => {
    tagOf(await store.put("large", { open: large }, { ifAbsent: true }));
    const blob = await other.get("large");
    assert(blob !== undefined);
    assert.equal(blob.size, LARGE_BYTES);
    assert.equal(await sha256(blob.chunks), await sha256(large()));
    const again = await store.put("large", bytesOf("another"), { ifAbsent: true });
    assert.deepEqual(again, { stored: false, because: "exists" });
    assert.equal(await leftovers(), 0);
  });

  blobTest("reading may begin anywhere, the end included", async ({ store }) => {
    await store.put("k", bytesOf("0123456789"));
    const blob = await store.get("k", { fromByte: 7 });
    assert.equal(blob?.size, 10);
    assert.equal(blob && Buffer.from(await readBlob(blob)).toString(), "789");
    for (const fromByte of [10, 11]) {
      const end = await store.get("k", { fromByte });
      assert.equal(end?.tag, blob?.tag);
      assert.equal(end && (await readBlob(end)).byteLength, 0);
    }
  });

  blobTest("what is read may be left in the middle, or not begun", async ({ store, other }) => {
    await store.put("large", { open: large });
    for (let round = 0; round < 3; round++) {
      const blob = await other.get("large");
      assert(blob !== undefined);
      if (round === 0) await blob.discard();
      else for await (const _ of blob.chunks) break;
      await blob.discard();
    }
    assert.equal((await headOf(other, "large")).size, LARGE_BYTES);
  });

  blobTest("who reads sees one version whole while it is replaced", async ({ store, other }) => {
    await store.put("k", { open: large });
    const before = await other.get("k");
    assert(before !== undefined);
    await store.put("k", bytesOf("new"));
    // It may be told that the old one is gone, but never gets a mixture.
    const digest = await sha256(before.chunks).catch(
      (error: { code?: string }) => error.code ?? "",
    );
    assert([await sha256(large()), "BLOB_CORRUPT"].includes(digest), digest);
    assert.equal(await textAt(other, "k"), "new");
  });
}

function conditionTests(blobTest: BlobTest): void {
  blobTest("ifAbsent stores only where nothing is", async ({ store, other }) => {
    tagOf(await store.put("k", bytesOf("mine"), { ifAbsent: true }));
    const second = await other.put("k", bytesOf("yours"), { ifAbsent: true });
    assert.deepEqual(second, { stored: false, because: "exists" });
    assert.equal(await textAt(store, "k"), "mine");
    await store.delete(["k"]);
    tagOf(await other.put("k", bytesOf("yours"), { ifAbsent: true }));
    assert.equal(await textAt(store, "k"), "yours");
  });

  blobTest("ifMatch stores only over what was seen", async ({ store, other }) => {
    const first = tagOf(await store.put("k", bytesOf("1")));
    const second = tagOf(await other.put("k", bytesOf("2"), { ifMatch: first }));
    const late = await store.put("k", bytesOf("3"), { ifMatch: first });
    assert.deepEqual(late, { stored: false, because: "changed" });
    assert.equal(await textAt(store, "k"), "2");
    tagOf(await store.put("k", bytesOf("4"), { ifMatch: second }));
    assert.equal(await textAt(other, "k"), "4");
  });

  blobTest("ifMatch does not store where nothing is any more", async ({ store, other }) => {
    const tag = tagOf(await store.put("k", bytesOf("1")));
    await other.delete(["k"]);
    const late = await store.put("k", bytesOf("2"), { ifMatch: tag });
    assert.deepEqual(late, { stored: false, because: "changed" });
    assert.equal(await store.get("k"), undefined);
  });

  blobTest("a large object obeys conditions, too", async ({ store, other, leftovers }) => {
    const tag = tagOf(await store.put("k", { open: large }));
    const changed = tagOf(await other.put("k", bytesOf("small"), { ifMatch: tag }));
    const late = await store.put("k", { open: large }, { ifMatch: tag });
    assert.deepEqual(late, { stored: false, because: "changed" });
    const second = await store.put("k", { open: large }, { ifAbsent: true });
    assert.deepEqual(second, { stored: false, because: "exists" });
    assert.equal(await textAt(other, "k"), "small");
    tagOf(await store.put("k", { open: large }, { ifMatch: changed }));
    assert.equal((await headOf(other, "k")).size, LARGE_BYTES);
    assert.equal(await leftovers(), 0);
  });
}

const WRITERS = 6;

function raceTests(blobTest: BlobTest): void {
  blobTest("of writers who all say ifAbsent one is stored", async ({ store, other }) => {
    for (let round = 0; round < 4; round++) {
      await race(store, other, `r/${round}`, { ifAbsent: true });
    }
  });

  blobTest("of writers who all saw the same tag one is stored", async ({ store, other }) => {
    let tag = tagOf(await store.put("k", bytesOf("first")));
    for (let round = 0; round < 4; round++) {
      tag = await race(store, other, "k", { ifMatch: tag }, `${round}`);
    }
  });
}

/** @returns the winner's tag */
async function race(
  store: BlobStore,
  other: BlobStore,
  key: string,
  condition: { ifAbsent: true } | { ifMatch: string },
  round = "",
): Promise<string> {
  const bodies = Array.from({ length: WRITERS }, (_, writer) => `writer ${writer} ${round}`);
  const results = await Promise.all(
    bodies.map((body, writer) => {
      return (writer % 2 === 0 ? store : other).put(key, bytesOf(body), condition);
    }),
  );
  const winners = bodies.filter((_, writer) => results[writer]?.stored);
  assert.equal(winners.length, 1, JSON.stringify(results));
  assert.equal(await textAt(store, key), winners[0]);
  const [tag] = results.flatMap((result) => (result.stored ? [result.tag] : []));
  assert.equal((await headOf(other, key)).tag, tag);
  return tag ?? "";
}

function listingTests(blobTest: BlobTest): void {
  blobTest("a list of many pages is whole and in order", async ({ store, other }) => {
    const keys = Array.from({ length: 25 }, (_, i) => `p/${String(i).padStart(3, "0")}`);
    await Promise.all(
      createRng(2)
        .shuffle(keys)
        .map((key) => store.put(key, bytesOf(key))),
    );
    await store.put("q", bytesOf("another"));
    assert.deepEqual(keysOf(await listed(other.list("p/"))), keys);
    assert.deepEqual(keysOf(await listed(other.list("p/01"))), keys.slice(10, 20));
    const after = listed(other.list("p/", { after: "p/011" }));
    assert.deepEqual(keysOf(await after), keys.slice(12));
    assert.deepEqual(keysOf(await listed(other.list("p/", { after: "p/0115" }))), keys.slice(12));
    assert.deepEqual(await listed(other.list("p/", { after: "q" })), []);
    for await (const { key } of other.list("p/")) {
      assert.equal(key, keys[0]);
      break;
    }
    await store.delete(keys);
    assert.deepEqual(keysOf(await listed(other.list(""))), ["q"]);
  });

  blobTest("a list is in the order of whole keys, folders and all", async ({ store }) => {
    const keys = ["a-b", "a.b/c", "a/b", "a/c/d", "a0", "a=/x", "ab/c"];
    for (const key of [...keys].reverse()) await store.put(key, bytesOf(key));
    assert.deepEqual(keysOf(await listed(store.list(""))), keys);
    for (const after of keys) {
      const rest = keysOf(await listed(store.list("", { after })));
      assert.deepEqual(rest, keys.slice(keys.indexOf(after) + 1));
    }
    assert.deepEqual(keysOf(await listed(store.list("a/"))), ["a/b", "a/c/d"]);
    assert.deepEqual(keysOf(await listed(store.list("a/c"))), ["a/c/d"]);
    assert.deepEqual(keysOf(await listed(store.list("a"))), keys);
    assert.deepEqual(keysOf(await listed(store.list("a/b/"))), []);
  });
}

function keyTests(blobTest: BlobTest): void {
  blobTest("odd characters of keys keep apart what is apart", async ({ store, other }) => {
    const keys = ["=a=b", "A", "_x", "a+b@c~d", "a..b", "x--y", "x.tmp", `${"n".repeat(200)}/z`];
    for (const key of keys) await store.put(key, bytesOf(key));
    for (const key of keys) assert.equal(await textAt(other, key), key);
    assert.deepEqual(keysOf(await listed(other.list(""))), [...keys].sort());
    await other.delete(keys);
    assert.deepEqual(await listed(store.list("")), []);
  });

  blobTest("what is no key is refused", async ({ store }) => {
    const wrong = ["", "/a", "a/", "a//b", ".", "..", "a/../b", ".a", "a/.b", "a b", "a\\b"];
    const more = ["a\0b", "a\nb", "ä", "a:b", "a?b", "a%2Fb", "-a", "~", "n".repeat(201)];
    for (const key of [...wrong, ...more, `${"n/".repeat(256)}n`]) {
      const refused = { code: "BLOB_REFUSED", message: /is no key of a blob: parts of letters/ };
      await assert.rejects(store.put(key, bytesOf("")), refused, key);
      await assert.rejects(store.get(key), refused, key);
      await assert.rejects(store.delete(["a", key]), refused, key);
    }
    assert.deepEqual(await listed(store.list("")), []);
  });
}

function abortTests(blobTest: BlobTest): void {
  blobTest("a write that is aborted leaves nothing", async (under) => {
    const { store, other, leftovers, mayLeave } = under;
    const before = tagOf(await store.put("there", bytesOf("before")));
    for (const key of ["there", "new"]) {
      const aborting = new AbortController();
      const reason = new Error("enough");
      const { signal } = aborting;
      const midway = deferred<void>();
      const open = async function* () {
        let sent = 0;
        for await (const chunk of large()) {
          yield chunk;
          sent += chunk.byteLength;
          if (sent < LARGE_BYTES / 2) continue;
          midway.resolve();
          await new Promise(() => {}); // and never goes on
        }
      };
      const storing = store.put(key, { open }, { signal });
      await midway.promise;
      aborting.abort(reason);
      await assert.rejects(storing, reason);
    }
    assert.equal((await headOf(other, "there")).tag, before);
    assert.deepEqual(keysOf(await listed(other.list(""))), ["there"]);
    if (mayLeave === undefined) assert.equal(await leftovers(), 0);
  });

  blobTest("a source that fails leaves nothing, and its error passes", async (under) => {
    const { store, other, leftovers } = under;
    for (const fraction of [0, 0.9]) {
      const failure = new Error("the source broke");
      const open = async function* () {
        let sent = 0;
        for await (const chunk of large()) {
          if (sent >= LARGE_BYTES * fraction) throw failure;
          yield chunk;
          sent += chunk.byteLength;
        }
      };
      await assert.rejects(store.put("k", { open }), failure);
      await assert.rejects(store.put("k", { open }, { ifAbsent: true }), failure);
    }
    assert.equal(await other.get("k"), undefined);
    assert.deepEqual(await listed(other.list("")), []);
    assert.equal(await leftovers(), 0);
  });

  blobTest("what is aborted before it begins does not begin", async ({ store }) => {
    await store.put("k", bytesOf("k"));
    const reason = new Error("too late");
    const options = { signal: AbortSignal.abort(reason) };
    await assert.rejects(store.put("k", bytesOf("no"), options), reason);
    await assert.rejects(store.get("k", options), reason);
    await assert.rejects(listed(store.list("", options)), reason);
    await assert.rejects(store.delete(["k"], options), reason);
    assert.equal(await textAt(store, "k"), "k");
  });
}

function endTests(blobTest: BlobTest): void {
  blobTest("closing twice is closing once", async ({ store }) => {
    await store.put("k", bytesOf("k"));
    await Promise.all([store.close(), store.close()]);
    await store.close();
  });
}
