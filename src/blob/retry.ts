import { StatefoldError } from "../base/errors.ts";
import { chunksOf, digestOf } from "./body.ts";
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
} from "./contract.ts";
import { insist, PATIENCE, type Patience, Tries } from "./patience.ts";

/**
 * A store that is asked again while what fails may pass. Reading and listing go on where they broke off.
 *
 * A write with a condition whose answer is lost may have been done, and then its repetition is refused by what
 * it wrote itself. So a refusal after such a failure is believed only when the object is not, byte for
 * byte, what was to be written: writers who must be told apart write different bytes. (Stored and replaced
 * by another since, it counts as refused: nobody can tell.)
 */
export function withRetries(inner: BlobStore, options: Partial<Patience> = {}): BlobStore {
  return new RetryingBlobStore(inner, { ...PATIENCE, ...options });
}

class RetryingBlobStore implements BlobStore {
  readonly #inner: BlobStore;
  readonly #patience: Patience;

  constructor(inner: BlobStore, patience: Patience) {
    this.#inner = inner;
    this.#patience = patience;
  }

  async put(key: string, body: BlobBody, options: PutOptions = {}): Promise<PutResult> {
    let isRepeated = false;
    const result = await insist(this.#patience, options.signal, async () => {
      try {
        return await this.#inner.put(key, body, options);
      } catch (error) {
        isRepeated = true;
        throw error;
      }
    });
    if (result.stored || !isRepeated) return result;
    const tag = await this.#tagIfSame(key, body, options);
    return tag === undefined ? result : { stored: true, tag };
  }

  /** The tag of the object under the key, if it has these bytes. */
  async #tagIfSame(
    key: string,
    body: BlobBody,
    { signal }: BlobOptions,
  ): Promise<string | undefined> {
    const there = await this.get(key, signal === undefined ? {} : { signal });
    if (there === undefined) return undefined;
    const [ours, theirs] = [await digestOf(chunksOf(body)), await digestOf(there.chunks)];
    return ours === theirs ? there.tag : undefined;
  }

  async get(key: string, options: GetOptions = {}): Promise<Blob | undefined> {
    const blob = await this.#open(key, options);
    if (blob === undefined) return undefined;
    const reading = { blob, isDiscarded: false };
    const chunks = this.#chunks(key, reading, options);
    return {
      size: blob.size,
      tag: blob.tag,
      chunks,
      discard: async () => {
        reading.isDiscarded = true;
        await reading.blob.discard();
        await chunks.return(undefined);
      },
    };
  }

  #open(key: string, options: GetOptions): Promise<Blob | undefined> {
    return insist(this.#patience, options.signal, () => this.#inner.get(key, options));
  }

  /** @param reading the object as it is being read: by the last attempt */
  async *#chunks(
    key: string,
    reading: { blob: Blob; isDiscarded: boolean },
    options: GetOptions,
  ): AsyncGenerator<Uint8Array, void> {
    const { size, tag } = reading.blob;
    const tries = new Tries(this.#patience, options.signal);
    let at = options.fromByte ?? 0;
    for (;;) {
      try {
        for await (const chunk of reading.blob.chunks) {
          at += chunk.byteLength;
          tries.progressed();
          yield chunk;
        }
        if (at < size) throw endedEarly(key, at, size);
        return;
      } catch (error) {
        if (reading.isDiscarded) return;
        await tries.failed(error);
        if (at >= size) return;
      }
      const next = await this.#open(key, { ...options, fromByte: at });
      if (next?.tag !== tag) {
        await next?.discard();
        throw replaced(key);
      }
      reading.blob = next;
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<BlobEntry, void> {
    const tries = new Tries(this.#patience, options.signal);
    let from = options;
    for (;;) {
      try {
        for await (const entry of this.#inner.list(prefix, from)) {
          from = { ...options, after: entry.key };
          tries.progressed();
          yield entry;
        }
        return;
      } catch (error) {
        await tries.failed(error);
      }
    }
  }

  async delete(keys: readonly string[], options: BlobOptions = {}): Promise<void> {
    await insist(this.#patience, options.signal, () => this.#inner.delete(keys, options));
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }
}

function endedEarly(key: string, at: number, size: number): StatefoldError {
  return new StatefoldError("BLOB_UNAVAILABLE", `${key} ended after ${at} of ${size} bytes`);
}

function replaced(key: string): StatefoldError {
  return new StatefoldError("BLOB_CORRUPT", `${key} was replaced while it was being read`);
}
