import { StatefoldError } from "../base/errors.ts";
import type { Write } from "./contract.ts";

/**
 * What one entry and one commit may hold: the only place that says so. They are far above what a
 * partition writes when its own bounds hold; they are here so that a mistake elsewhere ends as an error
 * with a name instead of as a process without memory.
 */
export const MAX_KEY_BYTES = 64 * 1024;
export const MAX_VALUE_BYTES = 128 * 1024 * 1024;
/** Keys and values of one commit together. The store holds them in memory about three times meanwhile. */
export const MAX_COMMIT_BYTES = 256 * 1024 * 1024;

/** @throws StatefoldError VALUE_TOO_LARGE, before anything is written: such a commit changes nothing. */
export function checkLimits(writes: readonly Write[]): void {
  let bytes = 0;
  for (const { key, value } of writes) {
    const valueBytes = value?.byteLength ?? 0;
    if (key.byteLength > MAX_KEY_BYTES) {
      throw new StatefoldError(
        "VALUE_TOO_LARGE",
        `a key has ${key.byteLength} bytes; the store takes keys of up to ${MAX_KEY_BYTES} bytes`,
      );
    }
    if (valueBytes > MAX_VALUE_BYTES) {
      throw new StatefoldError(
        "VALUE_TOO_LARGE",
        `a value has ${valueBytes} bytes; the store takes values of up to ${MAX_VALUE_BYTES} bytes`,
      );
    }
    bytes += key.byteLength + valueBytes;
  }
  if (bytes > MAX_COMMIT_BYTES) {
    throw new StatefoldError(
      "VALUE_TOO_LARGE",
      `one commit has ${bytes} bytes; the store takes up to ${MAX_COMMIT_BYTES} bytes at once`,
    );
  }
}
