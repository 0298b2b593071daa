import { StatefoldError } from "../base/errors.ts";
import { isAbsent } from "../base/system-error.ts";
import { readRecords } from "./batch.ts";
import type { FileCache } from "./file-cache.ts";
import type { OpenFile } from "./files.ts";
import { frameAt } from "./frame.ts";
import { type LogRecord, recordBytes } from "./record.ts";
import { corrupt, type Segment } from "./segment.ts";
import { SparseIndex } from "./sparse-index.ts";

export interface ReadLimits {
  /** At least 1. */
  readonly maxRecords: number;
  /** A read ends with the record that reaches it; one record always comes. */
  readonly maxBytes: number;
}

/** Bytes read from the file at a time. */
const CHUNK_BYTES = { min: 64 * 1024, max: 1024 * 1024 };

/** Indexes of closed segments held in memory at most, per partition; some 8 KB each. */
const MAX_INDEXES = 8;

/** Reads records out of one partition's segments. Every checksum is tested on the way. */
export class SegmentReader {
  readonly #cache: FileCache;
  /** Closed segments whose index is loaded, the longest unused first. */
  #indexed: Segment[] = [];

  constructor(cache: FileCache) {
    this.#cache = cache;
  }

  /**
   * The records of `segment` from `offset` on, which it holds. Damage behind the first record ends the
   * read; it is LOG_CORRUPT for the read that begins with it.
   */
  async read(segment: Segment, offset: number, limits: ReadLimits): Promise<LogRecord[]> {
    try {
      return await this.#cache.use(segment.path, async (file) => {
        const index = await this.#indexOf(segment, file);
        const position = index.positionBefore(offset) ?? segment.headBytes;
        return await readFrom(file, segment, position, offset, limits);
      });
    } catch (error) {
      if (error instanceof StatefoldError) throw error;
      if (isAbsent(error)) {
        throw corrupt(segment.path, undefined, "the segment is missing", consequence(offset));
      }
      const message = `${segment.path} cannot be read at the moment`;
      throw new StatefoldError("UNAVAILABLE", message, { cause: error });
    }
  }

  async #indexOf(segment: Segment, file: OpenFile): Promise<SparseIndex> {
    const { closedBytes, dataEnd } = segment;
    if (closedBytes === undefined) return segment.index ?? new SparseIndex();
    let { index } = segment;
    if (index === undefined) {
      const bytes = await file.read(dataEnd, closedBytes - dataEnd);
      const outcome = frameAt(bytes, 0, dataEnd);
      if (outcome.kind !== "frame" || outcome.frame.kind !== "index") {
        const what = "the segment's index is damaged";
        throw corrupt(segment.path, dataEnd, what, consequence(segment.base));
      }
      index = SparseIndex.read(outcome.frame.body);
    }
    segment.index = index;
    this.#indexed = [...this.#indexed.filter((other) => other !== segment), segment];
    if (this.#indexed.length > MAX_INDEXES) {
      const oldest = this.#indexed.shift();
      if (oldest !== undefined) oldest.index = undefined;
    }
    return index;
  }
}

async function readFrom(
  file: OpenFile,
  segment: Segment,
  start: number,
  offset: number,
  limits: ReadLimits,
): Promise<LogRecord[]> {
  const end = segment.dataEnd;
  const records: LogRecord[] = [];
  let bytes = 0;
  let position = start;
  let chunk: Buffer = Buffer.alloc(0);
  let chunkStart = start;
  const chunkBytes = Math.min(CHUNK_BYTES.max, Math.max(CHUNK_BYTES.min, limits.maxBytes));
  while (position < end) {
    const outcome = frameAt(chunk, position - chunkStart, chunkStart);
    if (outcome.kind === "short" && position + outcome.size <= end) {
      const length = Math.max(outcome.size, Math.min(chunkBytes, end - position));
      const next = await file.read(position, length);
      if (next.byteLength === length) {
        chunk = next;
        chunkStart = position;
        continue;
      }
    }
    if (outcome.kind !== "frame" || outcome.frame.kind !== "batch") {
      if (records.length > 0) return records;
      throw corrupt(segment.path, position, "a batch is damaged", consequence(offset));
    }
    for (const record of readRecords(outcome.frame.body, offset)) {
      records.push(record);
      bytes += recordBytes(record);
      if (records.length >= limits.maxRecords || bytes >= limits.maxBytes) return records;
    }
    position += outcome.frame.size;
  }
  return records;
}

function consequence(offset: number): string {
  return `The records from offset ${offset} on cannot be read; later ones may be: restore the file from a snapshot`;
}
