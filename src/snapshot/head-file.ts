/** The head as it lies in the blob store, with what it takes to replace it. */
import { StatefoldError } from "../base/errors.ts";
import { type BlobStore, readBlob } from "../blob/contract.ts";
import { type Head, readHead } from "./head.ts";
import { HEAD_KEY } from "./layout.ts";

export interface StoredHead {
  readonly head: Head;
  readonly tag: string;
}

/** Reads that each break off, and find it replaced when they go on. */
const TRIES = 10;

/** Undefined: there is none, so there are no snapshots. */
export async function loadHead(
  blob: BlobStore,
  signal?: AbortSignal,
): Promise<StoredHead | undefined> {
  for (let tries = 1; ; tries++) {
    const found = await blob.get(HEAD_KEY, signal === undefined ? {} : { signal });
    if (found === undefined) return undefined;
    try {
      return { head: readHead(await readBlob(found)), tag: found.tag };
    } catch (error) {
      // No other object is ever replaced. It is small: the next read comes to its end, sooner or later.
      const isReplaced = error instanceof StatefoldError && error.code === "BLOB_CORRUPT";
      if (!isReplaced || tries === TRIES) throw error;
    }
  }
}
