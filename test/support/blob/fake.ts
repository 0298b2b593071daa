import { createHash } from "node:crypto";
import { StatefoldError } from "../../../src/base/errors.ts";
import { chunksOf } from "../../../src/blob/body.ts";
import type {
  Blob,
  BlobBody,
  BlobEntry,
  BlobOptions,
  BlobStore,
  GetOptions,
  ListOptions,
  PutOptions,
  PutResult,
} from "../../../src/blob/contract.ts";
import { checkKey } from "../../../src/blob/key.ts";
import type { Rng } from "../rng.ts";

interface Held {
  readonly bytes: Uint8Array;
  readonly tag: string;
  readonly modifiedMs: number;
}

/** Of changes that a late listing may not have seen yet. */
const LATE_CHANGES = 100;

/** What outlives the processes that use it: any number of FakeBlobStores share one. */
export class FakeBucket {
  readonly objects = new Map<string, Held>();
  /** The latest changes, with what was there before. */
  readonly #changes: { readonly key: string; readonly before: Held | undefined }[] = [];

  get changes(): number {
    return this.#changes.length;
  }

  set(key: string, held: Held | undefined): void {
    this.#changes.push({ key, before: this.objects.get(key) });
    if (this.#changes.length > LATE_CHANGES) this.#changes.shift();
    if (held === undefined) this.objects.delete(key);
    else this.objects.set(key, held);
  }

  /** As it was before the last so many changes. */
  before(changes: number): ReadonlyMap<string, Held> {
    if (changes === 0) return this.objects;
    const objects = new Map(this.objects);
    for (const { key, before } of this.#changes.slice(-changes).reverse()) {
      if (before === undefined) objects.delete(key);
      else objects.set(key, before);
    }
    return objects;
  }
}

/** Probabilities, per operation. */
export interface BlobFaults {
  /** Nothing is done: 503, a reset. */
  readonly unavailable: number;
  /** It is done, and its answer is lost: BLOB_UNAVAILABLE. */
  readonly lost: number;
  /** A body that is read or written, or a listing, breaks off. */
  readonly broken: number;
  /** A bit of what is read is another, and nothing says so. */
  readonly damaged: number;
  /** A listing knows nothing of the latest changes. */
  readonly late: number;
  /** What an operation takes: drawn up to this. */
  readonly maxDelayMs: number;
}

export const NO_FAULTS: BlobFaults = {
  unavailable: 0,
  lost: 0,
  broken: 0,
  damaged: 0,
  late: 0,
  maxDelayMs: 0,
};

export type BlobOperation = "put" | "get" | "list" | "delete";

export interface FakeOptions {
  /** Draws the faults. Needed when there are some. */
  readonly rng?: Rng;
  readonly faults?: Partial<BlobFaults>;
  /** Default: the time of the machine. */
  readonly now?: () => number;
  /** Default: does not wait. */
  readonly wait?: (delayMs: number) => Promise<void>;
  /** Of one chunk that is read. Default 64 KiB. */
  readonly chunkBytes?: number;
}

/**
 * A blob store in memory, with the faults that real ones have, as a seed draws them. Keeps the contract when
 * there are none, and behind withRetries with all but `damaged` and `late`.
 */
export class FakeBlobStore implements BlobStore {
  readonly bucket: FakeBucket;
  /** May be replaced at any time. */
  faults: BlobFaults;
  /** Every operation fails with it while it is set: `unavailable("down")`, a BLOB_REFUSED. */
  failure: StatefoldError | undefined;
  /** Called as an operation begins, and waited for. What it throws fails the operation. */
  onCall: (operation: BlobOperation, key: string) => void | Promise<void> = () => {};
  /** Operations so far. */
  calls = 0;
  isClosed = false;
  readonly #options: FakeOptions;

  constructor(bucket = new FakeBucket(), options: FakeOptions = {}) {
    this.bucket = bucket;
    this.faults = { ...NO_FAULTS, ...options.faults };
    this.#options = options;
  }

  async put(key: string, body: BlobBody, options: PutOptions = {}): Promise<PutResult> {
    await this.#begin("put", key, options);
    const chunks: Uint8Array[] = [];
    const isBroken = this.#draws("broken");
    for await (const chunk of chunksOf(body, options.signal)) {
      chunks.push(Uint8Array.from(chunk));
      if (isBroken) throw unavailable(`the connection broke while storing ${key}`);
    }
    options.signal?.throwIfAborted();
    const result = this.#place(key, Buffer.concat(chunks), options);
    this.#end(`store ${key}`);
    return result;
  }

  #place(key: string, bytes: Uint8Array, { ifAbsent, ifMatch }: PutOptions): PutResult {
    const there = this.bucket.objects.get(key);
    if (ifAbsent !== undefined && there !== undefined) return { stored: false, because: "exists" };
    if (ifMatch !== undefined && there?.tag !== ifMatch) {
      return { stored: false, because: "changed" };
    }
    const tag = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
    this.bucket.set(key, { bytes, tag, modifiedMs: this.#now() });
    return { stored: true, tag };
  }

  async get(key: string, options: GetOptions = {}): Promise<Blob | undefined> {
    await this.#begin("get", key, options);
    const held = this.bucket.objects.get(key);
    this.#end(`read ${key}`);
    if (held === undefined) return undefined;
    const { fromByte = 0, signal } = options;
    const size = held.bytes.byteLength;
    return {
      size,
      tag: held.tag,
      chunks: this.#chunks(key, held.bytes.subarray(fromByte), signal),
      discard: async () => {},
    };
  }

  async *#chunks(
    key: string,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const { chunkBytes = 64 * 1024 } = this.#options;
    const endsAt = this.#draws("broken") ? this.#below(bytes.byteLength) : bytes.byteLength;
    for (let at = 0; at < endsAt; at += chunkBytes) {
      signal?.throwIfAborted();
      const chunk = Uint8Array.from(bytes.subarray(at, Math.min(at + chunkBytes, endsAt)));
      if (this.#draws("damaged")) {
        const where = this.#below(chunk.byteLength);
        chunk[where] = (chunk[where] ?? 0) ^ (1 << this.#below(8));
      }
      yield chunk;
    }
    if (endsAt < bytes.byteLength) throw unavailable(`the connection broke while reading ${key}`);
  }

  async *list(
    prefix: string,
    { after = "", signal }: ListOptions = {},
  ): AsyncGenerator<BlobEntry, void> {
    await this.#begin("list", prefix, { signal }, false);
    const isLate = this.#draws("late");
    const objects = this.bucket.before(isLate ? this.#below(this.bucket.changes + 1) : 0);
    const isBroken = this.#draws("broken");
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    for (const key of isBroken ? keys.slice(0, this.#below(keys.length)) : keys) {
      signal?.throwIfAborted();
      const held = objects.get(key);
      if (held === undefined) continue;
      const { bytes, tag, modifiedMs } = held;
      yield { key, size: bytes.byteLength, tag, modifiedMs };
    }
    if (isBroken) throw unavailable(`the connection broke while listing ${prefix}`);
  }

  async delete(keys: readonly string[], options: BlobOptions = {}): Promise<void> {
    for (const key of keys) checkKey(key);
    await this.#begin("delete", keys[0] ?? "", options, false);
    const isBroken = this.#draws("broken");
    for (const key of isBroken ? keys.slice(0, this.#below(keys.length)) : keys) {
      if (this.bucket.objects.has(key)) this.bucket.set(key, undefined);
    }
    if (isBroken) throw unavailable("the connection broke while deleting");
    this.#end("delete");
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async #begin(
    operation: BlobOperation,
    key: string,
    { signal }: { readonly signal?: AbortSignal | undefined },
    isKey = true,
  ): Promise<void> {
    if (isKey) checkKey(key);
    signal?.throwIfAborted();
    this.calls++;
    await this.onCall(operation, key);
    if (this.faults.maxDelayMs > 0) {
      await this.#options.wait?.(this.#below(this.faults.maxDelayMs + 1));
    }
    signal?.throwIfAborted();
    if (this.failure !== undefined) throw this.failure;
    if (this.#draws("unavailable")) throw unavailable(`503 to ${operation} ${key}`);
  }

  #end(what: string): void {
    if (this.#draws("lost")) throw unavailable(`the answer to ${what} was lost`);
  }

  #draws(fault: Exclude<keyof BlobFaults, "maxDelayMs">): boolean {
    const probability = this.faults[fault];
    return probability > 0 && this.#rng.chance(probability);
  }

  #below(bound: number): number {
    return bound <= 0 ? 0 : this.#rng.int(bound);
  }

  get #rng(): Rng {
    const { rng } = this.#options;
    if (rng === undefined) throw new Error("faults need an rng");
    return rng;
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }
}

export function unavailable(message: string): StatefoldError {
  return new StatefoldError("BLOB_UNAVAILABLE", message);
}
