import { ByteCursor } from "./byte-cursor.ts";

/**
 * A record of LevelDB's write-ahead log: one commit.
 *
 *   batch = sequence count write*     sequence: 8 bytes, of the first write; count: 4 bytes; little-endian
 *   write = 01 slice(key) slice(value) | 00 slice(key)
 *
 * Sequences go on from batch to batch without a gap, so a batch that is missing is noticed.
 */
export interface LevelBatch {
  readonly sequence: number;
  readonly writes: readonly LevelWrite[];
}

export interface LevelWrite {
  readonly key: Uint8Array;
  /** Undefined: the key was deleted. */
  readonly value: Uint8Array | undefined;
}

/** @throws RangeError when it is not a whole batch. The bytes are views on the record. */
export function readLevelBatch(record: Uint8Array): LevelBatch {
  const cursor = new ByteCursor(record);
  const sequence = cursor.fixed64();
  const count = cursor.fixed32();
  const writes: LevelWrite[] = [];
  while (!cursor.atEnd) {
    const type = cursor.byte();
    if (type > 1) throw new RangeError(`a write of kind ${type}`);
    const key = cursor.slice();
    writes.push({ key, value: type === 1 ? cursor.slice() : undefined });
  }
  if (writes.length !== count) throw new RangeError(`${writes.length} writes instead of ${count}`);
  return { sequence, writes };
}
