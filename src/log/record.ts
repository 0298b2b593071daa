import type { Header } from "../model/message.ts";

/** A record to append. */
export interface NewRecord {
  /** Undefined: no key. An empty key is a key. */
  readonly key: Uint8Array | undefined;
  /** Undefined: a tombstone. */
  readonly value: Uint8Array | undefined;
  readonly headers: readonly Header[];
  /** In ms since the epoch. Undefined: the time it is written. */
  readonly timestampMs: number | undefined;
}

/** A record as it stands in a partition. */
export interface LogRecord {
  readonly offset: number;
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly headers: readonly Header[];
  readonly timestampMs: number;
}

/**
 * Who appends, and the numbers it has given to the records: ascending, one for each, with gaps allowed.
 * Of every producer the partition remembers the highest number it holds, and skips what is not above it.
 */
export interface Producer {
  /** 1 to 256 bytes of UTF-8. */
  readonly id: string;
  readonly numbers: readonly number[];
}

export interface AppendResult {
  /** The offset of the first record that was appended; meaningless when none was. */
  readonly firstOffset: number;
  /** Records appended, one behind the other. */
  readonly count: number;
  /** Records at the beginning that the partition held already, under the producer's numbers. */
  readonly skipped: number;
}

/** What a record weighs against a bound: its bytes, and a flat amount for all around them. */
export function recordBytes(record: NewRecord | LogRecord): number {
  let bytes = 40 + (record.key?.byteLength ?? 0) + (record.value?.byteLength ?? 0);
  for (const header of record.headers) {
    bytes += 8 + Buffer.byteLength(header.key) + header.value.byteLength;
  }
  return bytes;
}
