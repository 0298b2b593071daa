import { crc32 } from "node:zlib";
import { assert } from "../base/assert.ts";
import { ByteWriter } from "./codec.ts";

/**
 * The unit of a segment file: complete and as written, or not there.
 *
 *   frame    = mark length crc kind position body
 *   mark     = F5 53 46 4C            F5 occurs in no UTF-8
 *   length   = u32                    bytes of the body
 *   crc      = u32                    CRC-32 (IEEE) of all behind it, then of the length
 *   kind     = u8                     see FRAME_KINDS
 *   position = u64                    where the frame begins in its file
 *
 * The position makes a frame in another place, or one inside a record's value, no frame.
 */
const MARK = Buffer.from([0xf5, 0x53, 0x46, 0x4c]);

export const FRAME_HEAD_BYTES = 4 + 4 + 4 + 1 + 8;

/** A length beyond this is no length: it bounds what is read on the word of damaged bytes. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** Kinds once given keep their meaning (I8). */
export const FRAME_KINDS = { head: 1, batch: 2, index: 3 } as const;
export type FrameKind = keyof typeof FRAME_KINDS;

const KIND_OF = new Map<number, FrameKind>(
  (Object.keys(FRAME_KINDS) as FrameKind[]).map((kind) => [FRAME_KINDS[kind], kind]),
);

export interface Frame {
  readonly kind: FrameKind;
  readonly position: number;
  /** Of the whole frame. */
  readonly size: number;
  readonly body: Buffer;
}

export type FrameOutcome =
  | { readonly kind: "frame"; readonly frame: Frame }
  /** The bytes end before the frame does; `size` is what it takes as far as that is known. */
  | { readonly kind: "short"; readonly size: number }
  | { readonly kind: "bad" };

/** Appends a frame that will stand at `position` of its file. */
export function writeFrame(
  writer: ByteWriter,
  kind: FrameKind,
  position: number,
  writeBody: (writer: ByteWriter) => void,
): void {
  const start = writer.length;
  writer.raw(MARK);
  writer.u32(0);
  writer.u32(0);
  writer.u8(FRAME_KINDS[kind]);
  writer.u64(position);
  writeBody(writer);
  const length = writer.length - start - FRAME_HEAD_BYTES;
  assert(length <= MAX_FRAME_BYTES, `a frame of ${length} bytes is at most ${MAX_FRAME_BYTES}`);
  writer.u32At(length, start + 4);
  writer.u32At(checksum(writer.view(start), FRAME_HEAD_BYTES + length), start + 8);
}

/** A frame alone. */
export function frameBytes(
  kind: FrameKind,
  position: number,
  writeBody: (writer: ByteWriter) => void,
): Buffer {
  const writer = new ByteWriter();
  writeFrame(writer, kind, position, writeBody);
  return writer.view();
}

/**
 * The frame at `at` of `bytes`.
 *
 * @param start where in the file `bytes` begin
 */
export function frameAt(bytes: Buffer, at: number, start: number): FrameOutcome {
  const rest = bytes.byteLength - at;
  const seen = Math.min(rest, MARK.byteLength);
  if (bytes.compare(MARK, 0, seen, at, at + seen) !== 0) return { kind: "bad" };
  if (rest < FRAME_HEAD_BYTES) return { kind: "short", size: FRAME_HEAD_BYTES };
  const length = bytes.readUInt32BE(at + 4);
  if (length > MAX_FRAME_BYTES) return { kind: "bad" };
  const size = FRAME_HEAD_BYTES + length;
  if (rest < size) return { kind: "short", size };
  const whole = bytes.subarray(at, at + size);
  if (whole.readUInt32BE(8) !== checksum(whole, size)) return { kind: "bad" };
  const kind = KIND_OF.get(whole.readUInt8(12));
  const position = whole.readUInt32BE(13) * 2 ** 32 + whole.readUInt32BE(17);
  if (kind === undefined || position !== start + at) return { kind: "bad" };
  const body = whole.subarray(FRAME_HEAD_BYTES);
  return { kind: "frame", frame: { kind, position, size, body } };
}

/** The first whole frame at or behind `at`, over whatever lies before it. */
export function findFrame(bytes: Buffer, at: number, start: number): Frame | undefined {
  for (let from = bytes.indexOf(MARK, at); from !== -1; from = bytes.indexOf(MARK, from + 1)) {
    const outcome = frameAt(bytes, from, start);
    if (outcome.kind === "frame") return outcome.frame;
  }
  return undefined;
}

function checksum(frame: Buffer, size: number): number {
  return crc32(frame.subarray(4, 8), crc32(frame.subarray(12, size)));
}
