import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { StatefoldError } from "../base/errors.ts";
import type { BlobStore } from "./contract.ts";
import { openFolder } from "./folder.ts";
import type { Patience } from "./patience.ts";
import { withRetries } from "./retry.ts";
import { openS3 } from "./s3.ts";
import { parseS3Url, S3_FORM } from "./s3-location.ts";

/**
 * The blob store at a URL, asked again while what fails may pass: `file:` and a path, or a path alone, for a
 * folder, made when something is first stored; `s3://…` for a bucket. Nothing is asked of it yet.
 *
 * @throws StatefoldError CONFIG_INVALID
 */
export async function openBlobStore(
  url: string,
  patience: Partial<Patience> = {},
): Promise<BlobStore> {
  if (/^s3:/i.test(url)) return withRetries(await openS3(parseS3Url(url), { patience }), patience);
  return withRetries(openFolder(folderOf(url)), patience);
}

function folderOf(url: string): string {
  const path = /^file:/i.test(url) ? pathOf(url) : url;
  if (path === "" || path.includes("\0")) throw invalid(url);
  // One letter is a drive.
  if (/^[a-z][a-z0-9+.-]+:/i.test(path)) throw invalid(url);
  return resolve(path);
}

/** `file:///backup`, and `file:backup` below the working directory. */
function pathOf(url: string): string {
  if (!/^file:\/\//i.test(url)) return url.slice("file:".length);
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw invalid(url, error);
  }
}

function invalid(url: string, cause?: unknown): StatefoldError {
  return new StatefoldError(
    "CONFIG_INVALID",
    `${JSON.stringify(url)} is no blob store: the forms are file:///PATH, a PATH, and ${S3_FORM}`,
    { cause },
  );
}
