import { blockChecksum } from "../base/crc32c.ts";

/**
 * LevelDB's record log, read from outside: the write-ahead log and the manifest are such files.
 *
 *   file   = block*                   of 32 KiB; less than 7 bytes at the end of one are padding
 *   block  = piece* padding
 *   piece  = crc length type bytes    crc: masked CRC-32C of type and bytes; length: 2 bytes; little-endian
 *   type   = 1 whole record | 2 first piece | 3 middle | 4 last
 *
 * LevelDB itself drops a block that holds a bad piece, without a word, and goes on with the next one: a
 * record in the middle is gone, and the end, which tells how far the database got, is there. So this
 * reader stops at the first piece that is not as it was written, and says whether something stands behind it.
 */
const BLOCK_BYTES = 32 * 1024;
const HEAD_BYTES = 7;
const WHOLE = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

export interface LevelRecord {
  /** Where its first piece begins. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

export interface LevelLog {
  /** All whole records before the first one that is not. */
  readonly records: readonly LevelRecord[];
  /** Undefined: the file ends with its last record. */
  readonly stop: LogStop | undefined;
}

export interface LogStop {
  /** Where the record begins that is not whole. */
  readonly at: number;
  readonly what: string;
  /**
   * Where a later record begins. One was begun only after the one before it was synced, so it proves damage;
   * without it this may be the torn end of a write that never finished.
   */
  readonly laterAt: number | undefined;
}

export function readLevelLog(file: Uint8Array): LevelLog {
  const records: LevelRecord[] = [];
  for (let at = skipPadding(0); at < file.byteLength; ) {
    const record = recordAt(file, at);
    if ("what" in record) {
      const { what, badAt } = record;
      return { records, stop: { at, what, laterAt: laterRecord(file, badAt) } };
    }
    records.push({ at, bytes: record.bytes });
    at = record.end;
  }
  return { records, stop: undefined };
}

interface Bad {
  readonly what: string;
  /** The piece that is not as it was written. */
  readonly badAt: number;
}

function recordAt(file: Uint8Array, start: number): { bytes: Uint8Array; end: number } | Bad {
  const pieces: Uint8Array[] = [];
  for (let at = start; ; ) {
    const piece = pieceAt(file, at);
    if (typeof piece === "string") return { what: piece, badAt: at };
    const wanted = pieces.length === 0 ? [WHOLE, FIRST] : [MIDDLE, LAST];
    if (!wanted.includes(piece.type)) return { what: "a piece of a record is missing", badAt: at };
    pieces.push(piece.bytes);
    at = skipPadding(piece.end);
    if (piece.type === WHOLE) return { bytes: piece.bytes, end: at };
    if (piece.type === LAST) return { bytes: Buffer.concat(pieces), end: at };
  }
}

interface Piece {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly end: number;
}

/** A piece, or why there is none. */
function pieceAt(file: Uint8Array, at: number): Piece | string {
  const blockEnd = (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES;
  const limit = Math.min(blockEnd, file.byteLength);
  if (at + HEAD_BYTES > limit) return "the file ends within a record";
  const view = new DataView(file.buffer, file.byteOffset + at, HEAD_BYTES);
  const length = view.getUint16(4, true);
  const end = at + HEAD_BYTES + length;
  if (end > limit) {
    return end > blockEnd ? "a record's length is damaged" : "the file ends within a record";
  }
  if (blockChecksum(file.subarray(at + 6, end)) !== view.getUint32(0, true)) {
    return "a record fails its checksum";
  }
  return { type: view.getUint8(6), bytes: file.subarray(at + HEAD_BYTES, end), end };
}

/** The beginning of a record at or behind a bad piece: by the pieces' own lengths, or in a later block. */
function laterRecord(file: Uint8Array, bad: number): number | undefined {
  for (let at = bad; at < file.byteLength; ) {
    const piece = pieceAt(file, at);
    if (typeof piece === "string") {
      at = endByLength(file, at);
      continue;
    }
    if (piece.type === WHOLE || piece.type === FIRST) return at;
    at = skipPadding(piece.end);
  }
  return undefined;
}

/** Where a piece ends that fails its checksum, if its length can be believed; else its block's end. */
function endByLength(file: Uint8Array, at: number): number {
  const blockEnd = (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES;
  if (at + HEAD_BYTES > Math.min(blockEnd, file.byteLength)) return blockEnd;
  const length = new DataView(file.buffer, file.byteOffset + at + 4, 2).getUint16(0, true);
  const end = at + HEAD_BYTES + length;
  return length === 0 || end > blockEnd ? blockEnd : skipPadding(end);
}

function skipPadding(at: number): number {
  const left = BLOCK_BYTES - (at % BLOCK_BYTES);
  return left < HEAD_BYTES ? at + left : at;
}
