import { join } from "node:path";
import { StatefoldError } from "../base/errors.ts";
import type { FileCache } from "./file-cache.ts";
import { type FrameOutcome, frameAt, frameBytes } from "./frame.ts";
import { readHead, type SegmentHead, writeHead } from "./segment-head.ts";
import type { SparseIndex } from "./sparse-index.ts";

/**
 * A run of a partition's records in one file, named by its first offset in 20 digits:
 *
 *   segment = frame(head) frame(batch)* [frame(index)]
 *
 * The last segment of a partition grows. One that has its index is closed and never changes again.
 */
export interface Segment {
  readonly base: number;
  readonly path: string;
  readonly createdAtMs: number;
  /** Where the batches begin. */
  readonly headBytes: number;
  /** Where they end. All below is synced and may be read. */
  dataEnd: number;
  /** Size of the file once it is closed. */
  closedBytes: number | undefined;
  /** Undefined: not loaded. */
  index: SparseIndex | undefined;
}

const SEGMENT_NAME = /^(\d{20})\.log$/;

/** Most heads are smaller. */
const HEAD_READ_BYTES = 4096;

export function segmentPath(directory: string, base: number): string {
  return join(directory, `${String(base).padStart(20, "0")}.log`);
}

/** The base offsets among the names of a folder, ascending. */
export function segmentBases(names: readonly string[]): number[] {
  return names
    .map((name) => SEGMENT_NAME.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Makes the file, durable when the promise resolves. What an earlier attempt left is overwritten. */
export async function createSegment(
  cache: FileCache,
  directory: string,
  head: SegmentHead,
): Promise<Segment> {
  const path = segmentPath(directory, head.base);
  const bytes = frameBytes("head", 0, (writer) => writeHead(writer, head));
  await cache.use(
    path,
    async (file) => {
      await file.truncate(0);
      await file.write(0, bytes);
      await file.sync();
    },
    { create: true },
  );
  await cache.files.syncDirectory(directory);
  return {
    base: head.base,
    path,
    createdAtMs: head.createdAtMs,
    headBytes: bytes.byteLength,
    dataEnd: bytes.byteLength,
    closedBytes: undefined,
    index: undefined,
  };
}

export interface SegmentFile {
  /** Undefined: the file does not begin with a whole head. */
  readonly head: SegmentHead | undefined;
  readonly headBytes: number;
  readonly size: number;
}

/** The head of a segment file, and its size. STORE_FORMAT when another version wrote it. */
export async function readSegmentFile(cache: FileCache, path: string): Promise<SegmentFile> {
  return await cache.use(path, async (file) => {
    const size = await file.size();
    let outcome: FrameOutcome = { kind: "short", size: Math.min(size, HEAD_READ_BYTES) };
    for (let read = 0; outcome.kind === "short" && outcome.size > read; ) {
      const bytes = await file.read(0, outcome.size);
      if (bytes.byteLength < outcome.size) break;
      read = bytes.byteLength;
      outcome = frameAt(bytes, 0, 0);
    }
    if (outcome.kind !== "frame" || outcome.frame.kind !== "head") {
      return { head: undefined, headBytes: 0, size };
    }
    const head = readHead(outcome.frame.body);
    if ("foreignVersion" in head) {
      throw new StatefoldError(
        "STORE_FORMAT",
        `${path} has version ${head.foreignVersion} of the topic log's format, which this program cannot read`,
      );
    }
    return { head, headBytes: outcome.frame.size, size };
  });
}

/** Says which file is damaged, where, and what follows from it. */
export function corrupt(
  path: string,
  position: number | undefined,
  what: string,
  consequence: string,
): StatefoldError {
  const place = position === undefined ? path : `${path} at byte ${position}`;
  return new StatefoldError("LOG_CORRUPT", `${place}: ${what}. ${consequence}`);
}
