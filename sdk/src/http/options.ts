import type { SdkError } from "../errors.ts";

/** What all adapters take. */
export interface AdapterOptions {
  /** Larger requests are answered 413. Default: 128 MiB. */
  readonly maxBodyBytes?: number;
  /** Requests held at once, all together; what comes beyond is answered 503 and sent again by the runtime. Default: 512 MiB. */
  readonly maxBufferedBytes?: number;
  /** Told of every request that fails, before its answer is sent; the answer's body says the same in one line. */
  readonly onError?: (error: SdkError) => void;
}

export const DEFAULT_MAX_BODY_BYTES = 128 * 1024 * 1024;
export const DEFAULT_MAX_BUFFERED_BYTES = 512 * 1024 * 1024;
