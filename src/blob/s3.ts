import type { S3Client, _Error as S3Failure } from "@aws-sdk/client-s3";
import { EMPTY_BYTES } from "../base/bytes.ts";
import { StatefoldError } from "../base/errors.ts";
import { atMost, chunksOf, piecesOf } from "./body.ts";
import {
  type Blob,
  type BlobBody,
  type BlobEntry,
  type BlobOptions,
  type BlobStore,
  type GetOptions,
  type ListOptions,
  MAX_CHUNK_BYTES,
  type PutOptions,
  type PutResult,
} from "./contract.ts";
import { checkKey, isKey } from "./key.ts";
import { PATIENCE, type Patience } from "./patience.ts";
import { newS3Client, S3_LIMITS, type S3Limits, type S3Sdk } from "./s3-client.ts";
import { classifyS3Error, isNoSuchKey, isPastEnd, isUnmetCondition } from "./s3-errors.ts";
import type { S3Location } from "./s3-location.ts";
import { type Condition, uploadInParts } from "./s3-upload.ts";

export interface S3Options {
  readonly limits?: Partial<S3Limits>;
  /** With the parts of one large object, which would otherwise have to be sent again as a whole. */
  readonly patience?: Partial<Patience>;
}

/**
 * A prefix of a bucket. Every request is made once, but for the parts of a large object; what may pass is for
 * withRetries. Nothing is asked of the bucket yet.
 */
export async function openS3(location: S3Location, options: S3Options = {}): Promise<BlobStore> {
  // Only who uses it pays the quarter of a second that loading it takes.
  const sdk = await import("@aws-sdk/client-s3");
  return new S3BlobStore(sdk, location, options);
}

class S3BlobStore implements BlobStore {
  readonly #sdk: S3Sdk;
  readonly #client: S3Client;
  readonly #location: S3Location;
  readonly #limits: S3Limits;
  readonly #patience: Patience;
  /** For messages. */
  readonly #name: string;
  #cleaning: Promise<void> | undefined;

  constructor(sdk: S3Sdk, location: S3Location, options: S3Options) {
    this.#sdk = sdk;
    this.#location = location;
    this.#limits = { ...S3_LIMITS, ...options.limits };
    this.#patience = { ...PATIENCE, ...options.patience };
    this.#client = newS3Client(sdk, location, this.#limits);
    this.#name = `the blob store s3://${location.bucket}/${location.prefix}`;
  }

  async put(key: string, body: BlobBody, options: PutOptions = {}): Promise<PutResult> {
    checkKey(key);
    const { signal } = options;
    signal?.throwIfAborted();
    const condition: Condition = {
      ...(options.ifAbsent === undefined ? {} : { IfNoneMatch: "*" }),
      ...(options.ifMatch === undefined ? {} : { IfMatch: options.ifMatch }),
    };
    try {
      return { stored: true, tag: await this.#store(key, body, condition, signal) };
    } catch (error) {
      const isRefusal = options.ifAbsent !== undefined || options.ifMatch !== undefined;
      if (isRefusal && isUnmetCondition(error)) {
        return { stored: false, because: options.ifAbsent === undefined ? "changed" : "exists" };
      }
      throw error instanceof SourceFailed
        ? error.cause
        : classifyS3Error(error, this.#name, `store ${key}`, signal);
    }
  }

  async #store(
    key: string,
    body: BlobBody,
    condition: Condition,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const { partBytes } = this.#limits;
    const pieces = piecesOf({ open: () => marked(chunksOf(body, signal)) }, partBytes);
    try {
      const start = (await pieces.next()).value ?? EMPTY_BYTES;
      const second = await pieces.next();
      if (second.done !== true) {
        return await this.#storeInParts(
          key,
          chain([start, second.value], pieces),
          condition,
          signal,
        );
      }
      const put = new this.#sdk.PutObjectCommand({
        ...this.#place(key),
        ...condition,
        Body: start,
      });
      const done = await this.#client.send(put, settingsOf(signal));
      return done.ETag ?? "";
    } finally {
      await pieces.return(undefined);
    }
  }

  async #storeInParts(
    key: string,
    pieces: AsyncIterable<Uint8Array>,
    condition: Condition,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    this.#cleaning ??= this.#abortAbandoned();
    await this.#cleaning;
    const place = this.#place(key);
    const target = {
      ...{ sdk: this.#sdk, client: this.#client, bucket: place.Bucket, key: place.Key },
      ...{ store: this.#name, limits: this.#limits, patience: this.#patience, signal },
    };
    return await uploadInParts(target, pieces, condition);
  }

  async get(key: string, options: GetOptions = {}): Promise<Blob | undefined> {
    checkKey(key);
    const { fromByte = 0, signal } = options;
    try {
      const command = new this.#sdk.GetObjectCommand({
        ...this.#place(key),
        ...(fromByte === 0 ? {} : { Range: `bytes=${fromByte}-` }),
      });
      const found = await this.#client.send(command, settingsOf(signal));
      const body = found.Body as NodeJS.ReadableStream & { destroy(): void };
      body.once("error", () => {}); // once discarded nobody reads it
      const length = found.ContentLength ?? 0;
      return {
        size: fromByte + length,
        tag: found.ETag ?? "",
        chunks: this.#chunks(key, body as unknown as AsyncIterable<Uint8Array>, length, signal),
        discard: async () => {
          body.destroy();
        },
      };
    } catch (error) {
      if (isNoSuchKey(error)) return undefined;
      if (isPastEnd(error)) return await this.#getNothing(key, signal);
      throw classifyS3Error(error, this.#name, `read ${key}`, signal);
    }
  }

  /** A range that holds nothing is refused without saying what the object is now. */
  async #getNothing(key: string, signal: AbortSignal | undefined): Promise<Blob | undefined> {
    try {
      const command = new this.#sdk.HeadObjectCommand(this.#place(key));
      const { ContentLength: size = 0, ETag: tag = "" } = await this.#client.send(
        command,
        settingsOf(signal),
      );
      return { size, tag, chunks: chain([], []), discard: async () => {} };
    } catch (error) {
      if (isNoSuchKey(error)) return undefined;
      throw classifyS3Error(error, this.#name, `read ${key}`, signal);
    }
  }

  async *#chunks(
    key: string,
    body: AsyncIterable<Uint8Array>,
    length: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    let read = 0;
    try {
      for await (const chunk of atMost(body, MAX_CHUNK_BYTES)) {
        read += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      throw classifyS3Error(error, this.#name, `read ${key} to its end`, signal);
    }
    if (read === length) return;
    const text = `${this.#name} ended ${key} after ${read} of ${length} bytes`;
    throw new StatefoldError("BLOB_UNAVAILABLE", text);
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<BlobEntry> {
    const { bucket: Bucket, prefix: ours } = this.#location;
    const { after, signal } = options;
    const MaxKeys = this.#limits.pageKeys;
    const asked = {
      ...{ Bucket, Prefix: ours + prefix, MaxKeys },
      ...(after === undefined ? {} : { StartAfter: ours + after }),
    };
    let next: string | undefined;
    do {
      const command = new this.#sdk.ListObjectsV2Command({
        ...asked,
        ...(next === undefined ? {} : { ContinuationToken: next }),
      });
      const page = await this.#client.send(command, settingsOf(signal)).catch((error: unknown) => {
        throw classifyS3Error(error, this.#name, `list ${prefix}`, signal);
      });
      for (const { Key = "", Size: size = 0, ETag: tag = "", LastModified } of page.Contents ??
        []) {
        const key = Key.slice(ours.length);
        // What others have put there is not for us.
        if (isKey(key)) yield { key, size, tag, modifiedMs: LastModified?.getTime() ?? 0 };
      }
      next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (next !== undefined);
  }

  async delete(keys: readonly string[], { signal }: BlobOptions = {}): Promise<void> {
    for (const key of keys) checkKey(key);
    const { pageKeys } = this.#limits;
    for (let at = 0; at < keys.length; at += pageKeys) {
      const Objects = keys.slice(at, at + pageKeys).map((key) => ({ Key: this.#place(key).Key }));
      const what = `delete ${Objects.length === 1 ? keys[at] : `${Objects.length} blobs`}`;
      const command = new this.#sdk.DeleteObjectsCommand({
        Bucket: this.#location.bucket,
        Delete: { Objects, Quiet: true },
      });
      const answer = await this.#client
        .send(command, settingsOf(signal))
        .catch((error: unknown) => {
          throw classifyS3Error(error, this.#name, what, signal);
        });
      const failed = answer.Errors?.find(({ Code }) => Code !== "NoSuchKey");
      if (failed !== undefined) throw this.#notDeleted(failed, what);
    }
  }

  /** One of many that were to be deleted: its own code stands for the answer's. */
  #notDeleted(failed: S3Failure, what: string): unknown {
    const { Code: name = "", Message } = failed;
    const httpStatusCode = name === "AccessDenied" ? 403 : 500;
    const error = Object.assign(new Error(Message), { name, $metadata: { httpStatusCode } });
    return classifyS3Error(error, this.#name, what, undefined);
  }

  /** Once, before the first large object: uploads whose process has died cost money and are not listed. */
  async #abortAbandoned(): Promise<void> {
    const { bucket: Bucket, prefix: Prefix } = this.#location;
    const { abandonedMs, pageKeys: MaxUploads } = this.#limits;
    try {
      const list = new this.#sdk.ListMultipartUploadsCommand({ Bucket, Prefix, MaxUploads });
      const { Uploads = [] } = await this.#client.send(list);
      for (const { Key, UploadId, Initiated } of Uploads) {
        if ((Initiated?.getTime() ?? Infinity) > Date.now() - abandonedMs) continue;
        const abort = new this.#sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId });
        await this.#client.send(abort);
      }
    } catch {
      // Not permitted, or not now: the bucket's own lifecycle rule, or a later process, sees to it.
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #place(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#location.bucket, Key: this.#location.prefix + key };
  }
}

function settingsOf(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** What the source of a body threw, so that it is not taken for an answer of the bucket. */
class SourceFailed extends Error {}

async function* marked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw new SourceFailed("the source of a blob failed", { cause: error });
  }
}

async function* chain<T>(
  first: readonly T[],
  rest: AsyncIterable<T> | readonly T[],
): AsyncGenerator<T> {
  yield* first;
  yield* rest;
}
