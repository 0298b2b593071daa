import { describeError, StatefoldError } from "../base/errors.ts";

/** What the SDK threw, as far as its errors are alike. */
interface Thrown {
  /** S3's code: "NoSuchBucket", or the SDK's class. */
  readonly name: string;
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The system's code: "ECONNRESET". */
  readonly code: string;
  readonly text: string;
}

/** Refusals by status that pass: clocks are set, credentials renewed, uploads begun anew. */
const PASSING = [
  ...["RequestTimeout", "RequestTimeTooSkewed", "ExpiredToken", "ExpiredTokenException"],
  ...["ConditionalRequestConflict", "OperationAborted", "NoSuchUpload", "TooManyRequests"],
  ...["BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody"],
  ...["Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown"],
];

const PASSING_STATUS = [408, 409, 423, 425, 429];

/** Trouble before there is an answer that asking again does not mend. */
const FINAL =
  /Credentials|Token.*(?:expired|SSO)|Region is missing|certificate|ERR_TLS|Invalid URL/i;

/** Whether a condition of the request was not met. */
export function isUnmetCondition(error: unknown): boolean {
  const { name, status } = looking(error);
  // 404: with If-Match, when there is no such object any more.
  return status === 412 || (status === 404 && (name === "NoSuchKey" || name === "NotFound"));
}

export function isNoSuchKey(error: unknown): boolean {
  const { name, status } = looking(error);
  return name === "NoSuchKey" || (status === 404 && name === "NotFound");
}

export function isNoSuchUpload(error: unknown): boolean {
  return looking(error).name === "NoSuchUpload";
}

/** The range asked for begins where the object has ended. */
export function isPastEnd(error: unknown): boolean {
  return looking(error).status === 416;
}

/**
 * @param what completes "the blob store s3://… could not …": "store a/b"
 * @returns a StatefoldError, or the signal's reason when that was the cause
 */
export function classifyS3Error(
  error: unknown,
  store: string,
  what: string,
  signal: AbortSignal | undefined,
): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof StatefoldError) return error;
  const thrown = looking(error);
  const options = { cause: error };
  if (/checksum mismatch/i.test(thrown.text)) {
    const text = `${store}: what was read to ${what} does not match its checksum`;
    return new StatefoldError("BLOB_CORRUPT", text, options);
  }
  if (isPassing(thrown)) {
    return new StatefoldError("BLOB_UNAVAILABLE", `${store} did not ${what}`, options);
  }
  return new StatefoldError("BLOB_REFUSED", `${store} refuses to ${what}`, options);
}

function isPassing({ name, status, code, text }: Thrown): boolean {
  if (PASSING.includes(name)) return true;
  if (status === undefined) return !FINAL.test(`${name} ${code} ${text}`);
  if (PASSING_STATUS.includes(status)) return true;
  // 2xx: an answer that breaks off, or is none of S3's.
  return status < 300 || (status >= 500 && status !== 501);
}

function looking(error: unknown): Thrown {
  if (!(error instanceof Error)) return { name: "", status: undefined, code: "", text: `${error}` };
  const { $metadata, code } = error as { $metadata?: { httpStatusCode?: number }; code?: unknown };
  return {
    name: error.name,
    status: $metadata?.httpStatusCode,
    code: typeof code === "string" ? code : "",
    text: describeError(error),
  };
}
