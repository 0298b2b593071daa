import type { CompletedPart, S3Client } from "@aws-sdk/client-s3";
import { StatefoldError } from "../base/errors.ts";
import { insist, type Patience } from "./patience.ts";
import type { S3Limits, S3Sdk } from "./s3-client.ts";
import { classifyS3Error, isNoSuchUpload } from "./s3-errors.ts";

export interface UploadTarget {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
  readonly bucket: string;
  /** With its prefix. */
  readonly key: string;
  /** For messages. */
  readonly store: string;
  readonly limits: S3Limits;
  readonly patience: Patience;
  readonly signal: AbortSignal | undefined;
}

/** As S3's headers say it: If-None-Match: *, or If-Match. */
export interface Condition {
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string;
}

/**
 * A large object in parts: `partsAtOnce` on their way while the next is gathered, so that memory holds so many
 * and two more. Whatever fails, the upload is aborted, and what is there under the key stays.
 *
 * @param pieces at least one
 * @returns the tag
 * @throws what the SDK throws as it completes; otherwise classified
 */
export async function uploadInParts(
  target: UploadTarget,
  pieces: AsyncIterable<Uint8Array>,
  condition: Condition,
): Promise<string> {
  const { sdk, client, bucket: Bucket, key: Key } = target;
  const place = { Bucket, Key };
  const settings = target.signal === undefined ? {} : { abortSignal: target.signal };
  const checksums = await client.config.requestChecksumCalculation();
  const begun = await client
    .send(
      new sdk.CreateMultipartUploadCommand({
        ...place,
        ...(checksums === "WHEN_SUPPORTED" ? { ChecksumAlgorithm: "CRC32" } : {}),
      }),
      settings,
    )
    .catch((error: unknown) => {
      throw classifyS3Error(error, target.store, `begin to store ${Key}`, target.signal);
    });
  const upload = { ...place, UploadId: begun.UploadId };
  try {
    const parts = await sendParts(target, upload, pieces);
    const complete = { ...upload, ...condition, MultipartUpload: { Parts: parts } };
    const done = await client.send(new sdk.CompleteMultipartUploadCommand(complete), settings);
    return done.ETag ?? "";
  } catch (error) {
    await giveUp(target, upload);
    throw error;
  }
}

interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

/** Often enough for a part to be over that the caller's signal has cut: it may bring the upload back. */
const GIVE_UP_ATTEMPTS = 4;

/** Also when the signal is aborted. If it fails for good, a later store gives the upload up. */
async function giveUp(target: UploadTarget, upload: Upload): Promise<void> {
  const { sdk, client, store, patience } = target;
  const attempts = Math.min(GIVE_UP_ATTEMPTS, patience.attempts);
  await insist({ ...patience, attempts }, undefined, async () => {
    try {
      await client.send(new sdk.AbortMultipartUploadCommand(upload));
      await client.send(new sdk.ListPartsCommand(upload));
    } catch (error) {
      if (isNoSuchUpload(error)) return;
      throw classifyS3Error(error, store, `give up storing ${upload.Key}`, undefined);
    }
    throw new StatefoldError("BLOB_UNAVAILABLE", `${store}: ${upload.Key} is still being stored`);
  }).catch(() => {});
}

async function sendParts(
  target: UploadTarget,
  upload: Upload,
  pieces: AsyncIterable<Uint8Array>,
): Promise<CompletedPart[]> {
  const { sdk, client, store, limits, patience } = target;
  const parts: CompletedPart[] = [];
  const underWay = new Set<Promise<void>>();
  const { signal } = target;
  let failure: { readonly error: unknown } | undefined;

  const send = async (PartNumber: number, Body: Uint8Array): Promise<void> => {
    const sent = await insist(patience, signal, async () => {
      try {
        const part = new sdk.UploadPartCommand({ ...upload, PartNumber, Body });
        return await client.send(part, signal === undefined ? {} : { abortSignal: signal });
      } catch (error) {
        throw classifyS3Error(error, store, `store part ${PartNumber} of ${upload.Key}`, signal);
      }
    });
    parts[PartNumber - 1] = {
      PartNumber,
      ...(sent.ETag === undefined ? {} : { ETag: sent.ETag }),
      ...(sent.ChecksumCRC32 === undefined ? {} : { ChecksumCRC32: sent.ChecksumCRC32 }),
    };
  };

  try {
    let number = 0;
    for await (const piece of pieces) {
      number++;
      if (number > limits.maxParts) throw tooLarge(store, upload.Key, limits);
      const sending = send(number, piece).catch((error: unknown) => {
        failure ??= { error };
      });
      underWay.add(sending);
      void sending.then(() => underWay.delete(sending));
      if (underWay.size >= limits.partsAtOnce) await Promise.race(underWay);
      if (failure !== undefined) break;
    }
  } catch (error) {
    failure ??= { error };
  }
  // Those under way come to their end: one that is cut as it comes in may bring back an upload that is given up.
  await Promise.all(underWay);
  signal?.throwIfAborted();
  if (failure !== undefined) throw failure.error;
  return parts;
}

function tooLarge(store: string, key: string, { maxParts, partBytes }: S3Limits): StatefoldError {
  return new StatefoldError(
    "VALUE_TOO_LARGE",
    `${store}: ${key} is larger than ${maxParts} parts of ${partBytes} bytes`,
  );
}
