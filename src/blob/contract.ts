/**
 * What a snapshot asks of the place it is kept in: whole objects under keys, written at once or not at all,
 * with writes that depend on what is there.
 *
 * Every store keeps these promises, and `test/contracts/blob-store.ts` says so of each:
 * - An object is seen whole or not at all. A write that fails or is aborted leaves what was there before.
 * - When `put` has resolved, the object is durable, and `get` and `list` of every process see it.
 *   (A store whose listing is late exists only in tests; callers may not rely on more than `get`.)
 * - Of several writers with `ifAbsent`, or with `ifMatch` and the same tag, one is stored.
 *
 * Operations reject with a StatefoldError BLOB_UNAVAILABLE (asking again may help: the network, throttling, a
 * server that is down, a full disk) or BLOB_REFUSED (it will not: credentials, permissions, no such bucket,
 * a key or a thing in its place that is not ours), or with the reason of an aborted signal. Reading also with
 * BLOB_CORRUPT: what was read does not belong together.
 */
export interface BlobStore {
  /**
   * Stores an object, or replaces it.
   *
   * @returns the tag it is stored under, or why a condition kept it from being stored: a value, since losing a
   *   race is nobody's failure
   */
  put(key: string, body: BlobBody, options?: PutOptions): Promise<PutResult>;

  /**
   * The object, or undefined when there is none. Its chunks can be read once; who does not read them to
   * their end says so by leaving the loop or by `discard`: until then it holds a connection or a file.
   */
  get(key: string, options?: GetOptions): Promise<Blob | undefined>;

  /** Objects whose key begins with `prefix` (any text: "" is all), in the order of their keys. */
  list(prefix: string, options?: ListOptions): AsyncIterable<BlobEntry>;

  /** Nothing happens to keys that are not there. After a rejection some may be gone. */
  delete(keys: readonly string[], options?: BlobOptions): Promise<void>;

  /** Idempotent. What is running is ended before, by its signal. */
  close(): Promise<void>;
}

/**
 * Bytes in memory, or a source of them that can be opened anew for every attempt. Chunks are of any size and
 * are not changed afterwards; a source that throws ends the write with what it threw.
 */
export type BlobBody = Uint8Array | BlobSource;

export interface BlobSource {
  open(): AsyncIterable<Uint8Array>;
  /** In bytes, where it is known: another length is a broken assumption. */
  readonly size?: number;
}

export interface BlobOptions {
  /** Aborted: the operation rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** At most one of the two conditions. */
export interface PutOptions extends BlobOptions {
  /** Stored only if there is no object under the key. */
  readonly ifAbsent?: true;
  /** Stored only if the object under the key still has this tag. */
  readonly ifMatch?: string;
}

export type PutResult =
  | { readonly stored: true; readonly tag: string }
  /** `exists`: with ifAbsent. `changed`: with ifMatch; replaced or deleted meanwhile. */
  | { readonly stored: false; readonly because: "exists" | "changed" };

export interface GetOptions extends BlobOptions {
  /** Leaves out so many bytes; with as many as it has, or more, nothing is left. Default 0. */
  readonly fromByte?: number;
}

export interface Blob {
  /** Of the whole object, in bytes. */
  readonly size: number;
  readonly tag: string;
  /** All of the rest, or it throws. At most MAX_CHUNK_BYTES each; a few are held ahead of who reads. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Gives back what is held to read it. Idempotent. */
  discard(): Promise<void>;
}

export interface ListOptions extends BlobOptions {
  /** Only keys that come after this one. */
  readonly after?: string;
}

export interface BlobEntry {
  readonly key: string;
  /** In bytes. */
  readonly size: number;
  /** Equal as long as the object is; opaque. Two writes of the same bytes may have the same tag. */
  readonly tag: string;
  /** When it was stored, by the store's clock, in ms since the epoch, often to a second. */
  readonly modifiedMs: number;
}

/** Of one chunk that is read. */
export const MAX_CHUNK_BYTES = 1024 * 1024;

/** All bytes of an object that is known to be small. */
export async function readBlob(blob: Blob): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of blob.chunks) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}
