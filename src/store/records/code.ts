import { ERRORS, type ErrorCode } from "../../base/errors.ts";

/** A code written by a newer version reads as INTERNAL; the reason beside it still tells. */
export function codeFrom(text: string): ErrorCode {
  return Object.hasOwn(ERRORS, text) ? (text as ErrorCode) : "INTERNAL";
}
