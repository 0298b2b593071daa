/** Reads what was written: manifests, segments, and the entries of a partition they come to together. */
import { createHash } from "node:crypto";
import { StatefoldError } from "../base/errors.ts";
import { type BlobStore, readBlob } from "../blob/contract.ts";
import { type ChangePages, layered } from "./layered.ts";
import { attemptOf, manifestKey } from "./layout.ts";
import { type Manifest, readManifest, type SegmentRef, type TopicPart } from "./manifest.ts";
import type { Packing } from "./packing.ts";
import { damaged } from "./segment-format.ts";
import { readSegment } from "./segment-reader.ts";

/**
 * Undefined: it is missing.
 *
 * @throws StatefoldError SNAPSHOT_CORRUPT, SNAPSHOT_FORMAT
 */
export async function findManifest(
  blob: BlobStore,
  snapshot: string,
  signal?: AbortSignal,
): Promise<Manifest | undefined> {
  const found = await blob.get(manifestKey(snapshot), signal === undefined ? {} : { signal });
  return found === undefined ? undefined : readManifest(snapshot, await readBlob(found));
}

/** @throws StatefoldError SNAPSHOT_CORRUPT, also when it is missing; SNAPSHOT_FORMAT */
export async function loadManifest(
  blob: BlobStore,
  snapshot: string,
  signal?: AbortSignal,
): Promise<Manifest> {
  const manifest = await findManifest(blob, snapshot, signal);
  if (manifest !== undefined) return manifest;
  const text = `${manifestKey(snapshot)} of snapshot ${snapshot} is missing`;
  throw new StatefoldError("SNAPSHOT_CORRUPT", text);
}

export interface SegmentsOptions {
  readonly blob: BlobStore;
  readonly packing: Packing;
  readonly signal?: AbortSignal | undefined;
}

/** @throws StatefoldError SNAPSHOT_CORRUPT for one that is missing or another than it was */
export async function* changesOfSegment(
  { blob, packing, signal }: SegmentsOptions,
  ref: SegmentRef,
): ChangePages {
  const found = await blob.get(ref.key, signal === undefined ? {} : { signal });
  if (found === undefined) throw damaged(ref.key, "it is missing");
  try {
    yield* readSegment(ref.key, found.chunks, packing, ref);
  } finally {
    await found.discard();
  }
}

/** As it was written. @throws StatefoldError SNAPSHOT_CORRUPT for one that is missing or another than it was */
export async function* bytesOfTopicPart(
  { blob, signal }: Pick<SegmentsOptions, "blob" | "signal">,
  part: TopicPart,
): AsyncGenerator<Uint8Array> {
  const found = await blob.get(part.key, signal === undefined ? {} : { signal });
  if (found === undefined) throw damaged(part.key, "it is missing");
  const hash = createHash("sha256");
  try {
    if (found.size !== part.bytes) throw damaged(part.key, `it has ${found.size} bytes`);
    for await (const chunk of found.chunks) {
      hash.update(chunk);
      yield chunk;
    }
  } finally {
    await found.discard();
  }
  if (hash.digest("hex") !== part.sha256) throw damaged(part.key, "its checksum is another");
}

/** What a partition held: the entries of its segments, laid over each other, in the order of their keys. */
export function entriesOfShare(
  options: SegmentsOptions,
  segments: readonly SegmentRef[],
): ChangePages {
  // Those of one attempt are one run of keys.
  const runs = new Map<string, SegmentRef[]>();
  for (const ref of segments) {
    const { term = 0, barrier = 0 } = attemptOf(ref.key) ?? {};
    const name = `${term}/${barrier}`;
    runs.set(name, [...(runs.get(name) ?? []), ref]);
  }
  return layered([...runs.values()].map((refs) => changesOfRun(options, refs)));
}

async function* changesOfRun(options: SegmentsOptions, refs: readonly SegmentRef[]): ChangePages {
  let last: Uint8Array | undefined;
  for (const ref of refs) {
    for await (const page of changesOfSegment(options, ref)) {
      const [first] = page;
      if (first !== undefined && last !== undefined && Buffer.compare(last, first.key) >= 0) {
        throw damaged(ref.key, "it does not go on where the one before it ends");
      }
      last = page.at(-1)?.key ?? last;
      yield page;
    }
  }
}
