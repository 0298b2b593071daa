import { KafkaProtocolError } from "../error.ts";

/**
 * What a Zstandard frame says it holds (RFC 8878, 3.1.1.1); undefined: it does not say, as Java's clients do
 * not. The package would take any claim for the memory to allocate.
 */
export function zstdContentSize(frame: Uint8Array): number | undefined {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  if (bytes.byteLength < 6 || bytes.readUInt32LE(0) !== 0xfd2fb528) {
    throw new KafkaProtocolError("a batch said to be zstd is not");
  }
  const descriptor = bytes.readUInt8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  if (bytes.byteLength < at + 8) return undefined;
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? bytes.readUInt8(at) : undefined;
    case 1:
      return bytes.readUInt16LE(at) + 256;
    case 2:
      return bytes.readUInt32LE(at);
    default:
      return Number(bytes.readBigUInt64LE(at));
  }
}
