import { KafkaProtocolError } from "../error.ts";

/**
 * Java's clients put snappy blocks into a frame of the snappy-java library; others send one bare block.
 *
 *   frame = 0x82 "SNAPPY" 0x00 int32(version 1) int32(compatible with 1) (int32(length) block)*
 */
const FRAME_HEAD = Buffer.from([0x82, ...Buffer.from("SNAPPY"), 0, 0, 0, 0, 1, 0, 0, 0, 1]);

export function snappyFrame(block: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.byteLength);
  return Buffer.concat([FRAME_HEAD, length, block]);
}

export function* snappyBlocks(bytes: Uint8Array): Generator<Uint8Array> {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!all.subarray(0, 8).equals(FRAME_HEAD.subarray(0, 8))) return yield all;
  for (let at = FRAME_HEAD.byteLength; at < all.byteLength; ) {
    const length = all.readInt32BE(at);
    at += 4;
    if (length < 0 || at + length > all.byteLength) {
      throw new KafkaProtocolError("a snappy frame ends too early");
    }
    yield all.subarray(at, at + length);
    at += length;
  }
}
