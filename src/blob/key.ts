import { clip } from "../base/clip.ts";
import { StatefoldError } from "../base/errors.ts";

/**
 * Keys mean the same in a folder and in a bucket, whatever the file system:
 *
 *     key  = part *( "/" part )         ; at most MAX_KEY_CHARS characters
 *     part = first *rest                ; at most MAX_PART_CHARS characters
 *     first = ALPHA / DIGIT / "_" / "="
 *     rest  = first / "." / "-" / "+" / "@" / "~"
 *
 * No key may be another's folder (`a` and `a/b`), and no two may differ in case alone: some stores cannot hold
 * both. Parts that begin with a dot are the store's own.
 */
const KEY = /^[A-Za-z0-9_=][A-Za-z0-9_=.+@~-]*(?:\/[A-Za-z0-9_=][A-Za-z0-9_=.+@~-]*)*$/;

/** With its prefix in the bucket a key stays below S3's 1,024. */
export const MAX_KEY_CHARS = 512;
/** File systems take names of 255 bytes. */
export const MAX_PART_CHARS = 200;

export function isKey(key: string): boolean {
  if (key.length > MAX_KEY_CHARS || !KEY.test(key)) return false;
  return key.split("/").every((part) => part.length <= MAX_PART_CHARS);
}

/** @throws StatefoldError BLOB_REFUSED */
export function checkKey(key: string): void {
  if (isKey(key)) return;
  throw new StatefoldError(
    "BLOB_REFUSED",
    `${JSON.stringify(clip(key, 100))} is no key of a blob: parts of letters, digits and _ = . + @ ~ - with "/" between them, none beginning with . + @ ~ or -, at most ${MAX_PART_CHARS} characters each and ${MAX_KEY_CHARS} together`,
  );
}
