import type { S3Client } from "@aws-sdk/client-s3";
import type { S3Location } from "./s3-location.ts";

export type S3Sdk = typeof import("@aws-sdk/client-s3");

export interface S3Limits {
  /** Without a connection, or without a byte in either direction. */
  readonly idleMs: number;
  /** Of one request and the head of its answer. */
  readonly requestMs: number;
  /** At once: further requests wait for one. */
  readonly maxConnections: number;
  /** Of one part, and of an object that is sent whole. S3 asks for 5 MiB at least. */
  readonly partBytes: number;
  /** Of one object on their way at once. */
  readonly partsAtOnce: number;
  /** Of one object: S3's own bound. */
  readonly maxParts: number;
  /** Of one answer, or one request to delete: S3's own bound. */
  readonly pageKeys: number;
  /** Uploads of someone who has died are given up so long after they began. */
  readonly abandonedMs: number;
}

export const S3_LIMITS: S3Limits = {
  idleMs: 20_000,
  requestMs: 120_000,
  maxConnections: 16,
  partBytes: 8 * 1024 * 1024,
  partsAtOnce: 4,
  maxParts: 10_000,
  pageKeys: 1_000,
  abandonedMs: 24 * 3_600_000,
};

/** Region, endpoint, credentials and checksums that the URL does not say are found as every AWS SDK does. */
export function newS3Client(sdk: S3Sdk, location: S3Location, limits: S3Limits): S3Client {
  const agent = { keepAlive: true, maxSockets: limits.maxConnections };
  return new sdk.S3Client({
    ...(location.region === undefined ? {} : { region: location.region }),
    ...(location.endpoint === undefined ? {} : { endpoint: location.endpoint }),
    forcePathStyle: location.isPathStyle,
    // Who asks again is withRetries: only that knows what a lost answer means for a condition.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: limits.idleMs,
      socketTimeout: limits.idleMs,
      requestTimeout: limits.requestMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}
