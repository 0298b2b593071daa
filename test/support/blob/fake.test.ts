import assert from "node:assert/strict";
import { test } from "node:test";
import { listed, tagOf, textAt } from "../../contracts/blob-store.ts";
import { createRng } from "../rng.ts";
import { FakeBlobStore, FakeBucket, unavailable } from "./fake.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const down = { code: "BLOB_UNAVAILABLE" };

test("a write whose answer is lost is done, one that finds nobody is not", async () => {
  const bucket = new FakeBucket();
  const rng = createRng(1);
  const losing = new FakeBlobStore(bucket, { rng, faults: { lost: 1 } });
  await assert.rejects(losing.put("lost", bytes("1")), down);
  assert(bucket.objects.has("lost"));
  const away = new FakeBlobStore(bucket, { rng, faults: { unavailable: 1 } });
  await assert.rejects(away.put("away", bytes("1")), down);
  const broken = new FakeBlobStore(bucket, { rng, faults: { broken: 1 } });
  await assert.rejects(broken.put("broken", bytes("1")), down);
  assert.deepEqual([...bucket.objects.keys()], ["lost"]);
});

test("what is read breaks off, or has another bit, as the seed says", async () => {
  const bucket = new FakeBucket();
  const rng = createRng(2);
  await new FakeBlobStore(bucket).put("k", bytes("0123456789"));
  await assert.rejects(
    textAt(new FakeBlobStore(bucket, { rng, faults: { broken: 1 } }), "k"),
    down,
  );
  const damaged = new FakeBlobStore(bucket, { rng, faults: { damaged: 1 } });
  assert.notEqual(await textAt(damaged, "k"), "0123456789");
  assert.equal(await textAt(new FakeBlobStore(bucket), "k"), "0123456789");
});

test("a late listing is one of an earlier time", async () => {
  const bucket = new FakeBucket();
  const store = new FakeBlobStore(bucket, { rng: createRng(3), faults: { late: 1 } });
  await store.put("a", bytes("a"));
  await store.put("b", bytes("b"));
  await store.delete(["a"]);
  const seen = new Set<string>();
  for (let look = 0; look < 50; look++) {
    seen.add((await listed(store.list(""))).map(({ key }) => key).join());
  }
  assert.deepEqual([...seen].sort(), ["", "a", "a,b", "b"]);
  assert.equal(await textAt(store, "b"), "b");
});

test("a test may watch every call, hold it, and have all of them fail", async () => {
  const store = new FakeBlobStore();
  const seen: string[] = [];
  store.onCall = (operation, key) => void seen.push(`${operation} ${key}`);
  tagOf(await store.put("k", bytes("k")));
  store.failure = unavailable("down");
  await assert.rejects(store.get("k"), down);
  store.failure = undefined;
  assert.equal(await textAt(store, "k"), "k");
  assert.deepEqual(seen, ["put k", "get k", "get k"]);
  assert.equal(store.calls, 3);
});
