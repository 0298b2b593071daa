import assert from "node:assert/strict";
import { env as environment } from "node:process";
import { type TestContext, test } from "node:test";
import type { BlobStore } from "../../src/blob/contract.ts";
import type { Patience } from "../../src/blob/patience.ts";
import { withRetries } from "../../src/blob/retry.ts";
import { openS3 } from "../../src/blob/s3.ts";
import type { S3Limits } from "../../src/blob/s3-client.ts";
import { parseS3Url } from "../../src/blob/s3-location.ts";
import { LARGE_BYTES, large, listed, sha256, tagOf, textAt } from "../contracts/blob-store.ts";
import { type S3Proxy, startProxy } from "../support/blob/s3-proxy.ts";
import { S3_TOOLS, type S3Server, s3Url, startS3 } from "../support/blob/s3-server.ts";
import { atEnd, fileScope } from "../support/cleanup.ts";
import { hasTools } from "../support/toolchain.ts";
import { until } from "../support/until.ts";

const file = fileScope();
let shared: Promise<S3Server> | undefined;
let prefixes = 0;

const PART_BYTES = 5 * 1024 * 1024;
/** Four parts. */
const MEDIUM_BYTES = 3 * PART_BYTES + 17;
const medium = (): AsyncGenerator<Uint8Array> => large(MEDIUM_BYTES);
const LIMITS = { partBytes: PART_BYTES, partsAtOnce: 2, pageKeys: 5, maxParts: 7 };
const PATIENCE: Partial<Patience> = { wait: async () => {} };

interface Bench {
  readonly proxy: S3Proxy;
  /** Through the network, each request made once but for parts. */
  readonly plain: BlobStore;
  /** Through the network, asked again. */
  readonly store: BlobStore;
}

/** Undefined: the test is skipped. */
async function open(t: TestContext, limits: Partial<S3Limits> = {}): Promise<Bench | undefined> {
  if (!(await hasTools(t, S3_TOOLS))) return undefined;
  shared ??= startS3(file);
  const server = await shared;
  const proxy = await startProxy(t, server.endpoint);
  const location = parseS3Url(s3Url(proxy.endpoint, `network/${++prefixes}`));
  const options = { limits: { ...LIMITS, ...limits }, patience: PATIENCE };
  const plain = await openS3(location, options);
  atEnd(t, () => plain.close());
  return { proxy, plain, store: withRetries(plain, PATIENCE) };
}

/** The first of those requests that match has this fate, the others pass. */
function first(proxy: S3Proxy, pattern: RegExp, fate: ReturnType<S3Proxy["decide"]>): void {
  proxy.decide = (line) => {
    if (!pattern.test(line)) return "pass";
    proxy.decide = () => "pass";
    return fate;
  };
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text);

for (const fate of [
  "503 SlowDown",
  "500 InternalError",
  "reset",
  "409 ConditionalRequestConflict",
  "400 RequestTimeout",
] as const) {
  test(`after ${fate} everything is asked for again`, async (t) => {
    const bench = await open(t);
    if (bench === undefined) return;
    const { proxy, plain, store } = bench;
    const again = { code: "BLOB_UNAVAILABLE" };
    first(proxy, /^PUT/, fate);
    await assert.rejects(plain.put("k", bytesOf("1"), { ifAbsent: true }), again);
    assert.equal(await store.get("k"), undefined);
    first(proxy, /^PUT/, fate);
    tagOf(await store.put("k", bytesOf("1"), { ifAbsent: true }));
    first(proxy, /^GET/, fate);
    assert.equal(await textAt(store, "k"), "1");
    first(proxy, /^GET/, fate);
    assert.equal((await listed(store.list(""))).length, 1);
    first(proxy, /^POST/, fate);
    await store.delete(["k"]);
    assert.equal(await store.get("k"), undefined);
  });
}

test("a conditional write whose answer is lost is not taken for a lost race", async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const { proxy, plain, store } = bench;
  first(proxy, /^PUT/, "lost");
  const tag = tagOf(await store.put("k", bytesOf("mine"), { ifAbsent: true }));
  first(proxy, /^PUT/, "lost");
  const second = tagOf(await store.put("k", bytesOf("mine, too"), { ifMatch: tag }));
  assert.equal(await textAt(store, "k"), "mine, too");
  first(proxy, /^POST.*uploadId/, "lost");
  const third = tagOf(await store.put("k", { open: medium }, { ifMatch: second }));
  assert.equal(proxy.seen.filter((line) => /^POST.*uploadId/.test(line)).length, 2);
  first(proxy, /^POST.*uploadId/, "lost");
  tagOf(await store.put("l", { open: medium }, { ifAbsent: true }));
  // Somebody else was first, as the second attempt finds.
  await plain.put("m", bytesOf("yours"));
  first(proxy, /^PUT/, "reset");
  const lost = await store.put("m", bytesOf("mine"), { ifAbsent: true });
  assert.deepEqual(lost, { stored: false, because: "exists" });
  const blob = await store.get("k");
  assert.equal(blob?.tag, third);
  await blob?.discard();
});

test("what is read goes on where the network broke off", async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const { proxy, plain, store } = bench;
  await plain.put("k", { open: medium });
  let cuts = 3;
  proxy.decide = (line) => (/^GET.*\/k/.test(line) && cuts-- > 0 ? "cut" : "pass");
  const blob = await store.get("k");
  assert(blob !== undefined);
  assert.equal(await sha256(blob.chunks), await sha256(medium()));
  assert.equal(proxy.seen.filter((line) => /^GET.*\/k/.test(line)).length, 4);
});

test("what is replaced while it is read is not put together from both", async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const { proxy, plain, store } = bench;
  for (const body of [bytesOf("short"), Buffer.alloc(MEDIUM_BYTES)]) {
    await plain.put("k", { open: medium });
    first(proxy, /^GET/, "cut");
    const blob = await store.get("k");
    assert(blob !== undefined);
    await plain.put("k", body);
    await assert.rejects(sha256(blob.chunks), { code: "BLOB_CORRUPT" });
  }
});

test("bytes that are damaged on their way are noticed by their checksum", async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const { proxy, store } = bench;
  await store.put("k", Buffer.alloc(100_000, 7));
  first(proxy, /^GET/, "damaged");
  await assert.rejects(textAt(store, "k"), { code: "BLOB_CORRUPT", message: /checksum/ });
  assert.equal((await textAt(store, "k"))?.length, 100_000);
});

test("a part that fails is sent again, and the others are not", async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const { proxy, plain } = bench;
  first(proxy, /partNumber=3/, "503 SlowDown");
  tagOf(await plain.put("k", { open: medium }));
  const parts = proxy.seen.flatMap((line) => /partNumber=(\d+)/.exec(line)?.[1] ?? []);
  assert.deepEqual(parts.sort(), ["1", "2", "3", "3", "4"]);
});

test("a part that keeps failing ends the write, and the upload", async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const { proxy, plain } = bench;
  proxy.decide = (line) => (/partNumber=3/.test(line) ? "503 SlowDown" : "pass");
  await assert.rejects(plain.put("k", { open: medium }), {
    code: "BLOB_UNAVAILABLE",
    message: /did not store part 3 of network\/\d+\/k/,
  });
  assert.equal(proxy.seen.filter((line) => /^DELETE.*uploadId/.test(line)).length, 1);
  assert.equal(await plain.get("k"), undefined);
});

test("an object of more than maxParts parts is refused and leaves nothing", async (t) => {
  const bench = await open(t, { maxParts: 3 });
  if (bench === undefined) return;
  const { proxy, store } = bench;
  await assert.rejects(store.put("k", { open: medium }), { code: "VALUE_TOO_LARGE" });
  assert.equal(proxy.seen.filter((line) => /^DELETE.*uploadId/.test(line)).length, 1);
  assert.equal(await store.get("k"), undefined);
});

test("no more is taken from a source than partsAtOnce parts and two", async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const { proxy, plain } = bench;
  let taken = 0;
  const source = async function* () {
    for await (const chunk of large()) {
      taken += chunk.byteLength;
      yield chunk;
    }
  };
  const isPart = (line: string): boolean => /partNumber/.test(line);
  proxy.decide = (line) => (isPart(line) ? "stall" : "pass");
  const aborting = new AbortController();
  const storing = plain.put("k", { open: source }, { signal: aborting.signal });
  storing.catch(() => {});
  await until("two parts", () => proxy.seen.filter(isPart).length === LIMITS.partsAtOnce);
  assert(taken <= (LIMITS.partsAtOnce + 2) * PART_BYTES, `${taken}`);
  aborting.abort(new Error("seen enough"));
  await assert.rejects(storing, /seen enough/);
});

test("what nobody reads is not fetched ahead", async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const { proxy, plain } = bench;
  await plain.put("k", { open: large });
  const blob = await plain.get("k");
  assert(blob !== undefined);
  let before = -1;
  // Sockets hold some: until nothing moves any more.
  await until(
    "the answer to rest",
    () => {
      const isAtRest = proxy.answeredBytes === before;
      before = proxy.answeredBytes;
      return isAtRest;
    },
    { everyMs: 100 },
  );
  assert(proxy.answeredBytes < LARGE_BYTES / 2, `${proxy.answeredBytes}`);
  await blob.discard();
});

test("a server that is silent for idleMs counts as down", async (t) => {
  const bench = await open(t, { idleMs: 100 });
  if (bench === undefined) return;
  const { proxy, plain, store } = bench;
  await store.put("k", bytesOf("k"));
  first(proxy, /^GET/, "stall");
  await assert.rejects(plain.get("k"), { code: "BLOB_UNAVAILABLE" });
  first(proxy, /^GET/, "stall");
  assert.equal(await textAt(store, "k"), "k");
});

test("a request is given up after requestMs", async (t) => {
  const bench = await open(t, { requestMs: 100 });
  if (bench === undefined) return;
  const { proxy, plain } = bench;
  proxy.decide = () => "stall";
  await assert.rejects(plain.get("k"), { code: "BLOB_UNAVAILABLE" });
});

test("no more than maxConnections are open at once", async (t) => {
  const bench = await open(t, { maxConnections: 2 });
  if (bench === undefined) return;
  const { proxy, plain } = bench;
  proxy.decide = () => "stall";
  const aborting = new AbortController();
  const { signal } = aborting;
  const asked = [1, 2, 3, 4].map((n) => plain.get(`${n}`, { signal }).catch(() => {}));
  await until("two requests", () => proxy.seen.length === 2);
  proxy.decide = () => "pass";
  assert.equal(proxy.seen.length, 2);
  aborting.abort();
  await Promise.all(asked);
});

test("what is refused is not asked for again, and says why", async (t) => {
  const bench = await open(t);
  if (bench === undefined) return;
  const { proxy, store } = bench;
  for (const fate of ["403 AccessDenied", "404 NoSuchBucket", "403 InvalidAccessKeyId"] as const) {
    proxy.decide = () => fate;
    const [, code] = fate.split(" ");
    const refused = (error: Error & { code?: string }): boolean =>
      error.code === "BLOB_REFUSED" && (error.cause as Error).name === code;
    const before = proxy.seen.length;
    await assert.rejects(store.put("k", bytesOf("k"), { ifAbsent: true }), refused);
    await assert.rejects(store.put("k", bytesOf("k"), { ifMatch: '"x"' }), refused);
    await assert.rejects(store.get("k"), refused);
    await assert.rejects(listed(store.list("")), refused);
    await assert.rejects(store.delete(["k"]), refused);
    assert.equal(proxy.seen.length, before + 5);
  }
});

test("a bucket that is not there, and a secret that is wrong, are named", async (t) => {
  const bench = await open(t);
  if (bench === undefined || shared === undefined) return;
  const { endpoint, env } = await shared;
  const nowhere = await openS3(
    parseS3Url(`s3://no-such-bucket?endpoint=${endpoint}&pathStyle=true`),
  );
  atEnd(t, () => nowhere.close());
  const refused = { code: "BLOB_REFUSED", message: /s3:\/\/no-such-bucket\/ refuses to/ };
  await assert.rejects(nowhere.get("k"), refused);
  await assert.rejects(nowhere.put("k", bytesOf("k")), refused);
  await assert.rejects(listed(nowhere.list("")), refused);
  Object.assign(environment, { AWS_SECRET_ACCESS_KEY: "wrong" });
  try {
    const stranger = await openS3(parseS3Url(s3Url(endpoint, "k")));
    atEnd(t, () => stranger.close());
    const mismatch = (error: Error): boolean => /SignatureDoesNotMatch/.test(`${error.cause}`);
    await assert.rejects(stranger.get("k"), mismatch);
  } finally {
    Object.assign(environment, env);
  }
});

test("uploads that somebody left behind abandonedMs ago are given up", async (t) => {
  const bench = await open(t, { abandonedMs: -60_000 });
  if (bench === undefined) return;
  const { proxy, plain } = bench;
  // One whose end is refused stays behind.
  proxy.decide = (line) => (/partNumber=3|^DELETE/.test(line) ? "403 AccessDenied" : "pass");
  await assert.rejects(plain.put("k", { open: medium }), { code: "BLOB_REFUSED" });
  proxy.decide = () => "pass";
  const later = await openS3(parseS3Url(s3Url(proxy.endpoint, `network/${prefixes}`)), {
    limits: { ...LIMITS, abandonedMs: -60_000 },
    patience: PATIENCE,
  });
  const before = proxy.seen.length;
  await later.put("small", bytesOf("no reason to look"));
  assert.equal(proxy.seen.length, before + 1);
  tagOf(await later.put("large", { open: medium }));
  tagOf(await later.put("larger", { open: medium }));
  await later.close();
  const since = proxy.seen.slice(before);
  assert.equal(since.filter((line) => /^GET.*uploads/.test(line)).length, 1);
  assert.equal(since.filter((line) => /^DELETE.*k\?.*uploadId/.test(line)).length, 1);
});

test("a server that is killed and comes back in the middle of a write is waited for", async (t) => {
  if (!(await hasTools(t, S3_TOOLS))) return;
  shared ??= startS3(file);
  const server = await shared;
  let back: Promise<void> | undefined;
  const wait = async (): Promise<void> => {
    back ??= server.script.exited.then(() => server.script.start());
    await back;
  };
  const options = { limits: LIMITS, patience: { wait } };
  const plain = await openS3(parseS3Url(server.url(`network/${++prefixes}`)), options);
  atEnd(t, () => plain.close());
  const store = withRetries(plain, { wait });
  let isKilled = false;
  const source = async function* () {
    let sent = 0;
    for await (const chunk of medium()) {
      sent += chunk.byteLength;
      if (!isKilled && sent > MEDIUM_BYTES / 2) {
        isKilled = true;
        await server.script.kill();
      }
      yield chunk;
    }
  };
  tagOf(await store.put("k", { open: source }, { ifAbsent: true }));
  const blob = await store.get("k");
  assert(blob !== undefined);
  assert.equal(await sha256(blob.chunks), await sha256(medium()));
});
