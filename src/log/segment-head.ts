import { ByteReader, type ByteWriter } from "./codec.ts";

/**
 * The body of the frame a segment begins with.
 *
 *   head     = version text(topic) u32(partition) u64(base) u64(created ms) previous marks
 *   version  = u32              1
 *   previous = 00               no segment was before this one
 *            | 01 u64(base) u64(data end) u64(size)
 *   marks    = varint(count) (text(producer id) u64(last number))*
 *
 * `previous` chains the segments: it proves that none is missing between two, that a closed one is as long
 * as it was, and says where its index stands. The marks are those of all records before this segment, so
 * that they outlive the segments retention removes.
 */
export const SEGMENT_VERSION = 1;

export interface SegmentHead {
  readonly topic: string;
  readonly partition: number;
  readonly base: number;
  readonly createdAtMs: number;
  readonly previous: PreviousSegment | undefined;
  /** Producer id → the highest of its numbers held before this segment. */
  readonly marks: ReadonlyMap<string, number>;
}

export interface PreviousSegment {
  readonly base: number;
  /** Where its last batch ends and its index begins. */
  readonly dataEnd: number;
  readonly size: number;
}

export function writeHead(writer: ByteWriter, head: SegmentHead): void {
  writer.u32(SEGMENT_VERSION);
  writer.text(head.topic);
  writer.u32(head.partition);
  writer.u64(head.base);
  writer.u64(head.createdAtMs);
  if (head.previous === undefined) {
    writer.u8(0);
  } else {
    writer.u8(1);
    writer.u64(head.previous.base);
    writer.u64(head.previous.dataEnd);
    writer.u64(head.previous.size);
  }
  writer.varint(head.marks.size);
  for (const [id, number] of head.marks) {
    writer.text(id);
    writer.u64(number);
  }
}

/** The head, or the version that this program cannot read. */
export function readHead(body: Buffer): SegmentHead | { readonly foreignVersion: number } {
  const reader = new ByteReader(body);
  const version = reader.u32();
  if (version !== SEGMENT_VERSION) return { foreignVersion: version };
  const topic = reader.text();
  const partition = reader.u32();
  const base = reader.u64();
  const createdAtMs = reader.u64();
  const previous =
    reader.u8() === 0
      ? undefined
      : { base: reader.u64(), dataEnd: reader.u64(), size: reader.u64() };
  const marks = new Map<string, number>();
  for (let left = reader.varint(); left > 0; left--) marks.set(reader.text(), reader.u64());
  return { topic, partition, base, createdAtMs, previous, marks };
}
