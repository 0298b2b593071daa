/**
 * The topic log at one moment, for a snapshot: all that was synced then, and nothing that came later (I7). Nothing is
 * copied: segments only ever grow, so it is enough to know how long each was. What retention would
 * remove stays until the cut is closed.
 */
import { StatefoldError } from "../base/errors.ts";
import { isAbsent } from "../base/system-error.ts";
import type { FileCache } from "./file-cache.ts";
import { frameAt } from "./frame.ts";
import { corrupt } from "./segment.ts";

export interface LogCut {
  /** Of the snapshot. */
  readonly barrier: number;
  readonly topics: readonly TopicCut[];
  /** Why it lacks something, which could not be opened: then it is good for nothing. */
  readonly problem: StatefoldError | undefined;
  /** Lets retention go on. Idempotent. */
  close(): void;
}

export interface TopicCut {
  readonly name: string;
  /** As many as it has, in order. */
  readonly partitions: readonly PartitionCut[];
}

export interface PartitionCut {
  readonly startOffset: number;
  readonly endOffset: number;
  /** Ascending; all but the last are closed. */
  readonly segments: readonly SegmentCut[];
}

export interface SegmentCut {
  readonly base: number;
  /** With the base: which segment it is. */
  readonly createdAtMs: number;
  /** So many from its beginning. */
  readonly bytes: number;
  /**
   * A part of them: whole frames, each compared with its checksum. Every part that ends where a cut did, does.
   *
   * @throws StatefoldError LOG_CORRUPT, UNAVAILABLE
   */
  read(from: number, until: number): AsyncIterable<Uint8Array>;
}

const NO_PART =
  "No snapshot can be taken with it, those that are there stay: restore the file from one of them";

/** Read at a time, unless a frame is larger. */
const READ_BYTES = 256 * 1024;

export async function* readFrames(
  cache: FileCache,
  path: string,
  from: number,
  until: number,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < until; ) {
    let chunk = await readChunk(cache, path, at, Math.min(READ_BYTES, until - at));
    const first = frameAt(chunk, 0, at);
    if (first.kind === "short" && at + first.size <= until && first.size > chunk.byteLength) {
      chunk = await readChunk(cache, path, at, first.size);
    }
    let whole = 0;
    for (let next = frameAt(chunk, 0, at); next.kind === "frame"; ) {
      whole += next.frame.size;
      if (whole === chunk.byteLength) break;
      next = frameAt(chunk, whole, at);
    }
    if (whole === 0) {
      throw corrupt(path, at, "what was synced there is damaged", NO_PART);
    }
    yield chunk.subarray(0, whole);
    at += whole;
  }
}

async function readChunk(
  cache: FileCache,
  path: string,
  at: number,
  length: number,
): Promise<Buffer> {
  try {
    return await cache.use(path, (file) => file.read(at, length));
  } catch (error) {
    if (isAbsent(error)) throw corrupt(path, undefined, "the segment is missing", NO_PART);
    const message = `${path} cannot be read at the moment`;
    throw new StatefoldError("UNAVAILABLE", message, { cause: error });
  }
}
