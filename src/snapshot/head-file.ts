/** The head as it lies in the blob store, with what it takes to replace it. */
import { type BlobStore, readBlob } from "../blob/contract.ts";
import { type Head, readHead } from "./head.ts";
import { HEAD_KEY } from "./layout.ts";

export interface StoredHead {
  readonly head: Head;
  readonly tag: string;
}

/** Undefined: there is none, so there are no snapshots. */
export async function loadHead(
  blob: BlobStore,
  signal?: AbortSignal,
): Promise<StoredHead | undefined> {
  const found = await blob.get(HEAD_KEY, signal === undefined ? {} : { signal });
  if (found === undefined) return undefined;
  return { head: readHead(await readBlob(found)), tag: found.tag };
}
