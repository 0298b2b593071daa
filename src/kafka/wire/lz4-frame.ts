/**
 * An LZ4 frame as brokers take it, who refuse blocks that refer to the one before:
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 *
 *   frame = head (uint32-le(length) block)* uint32-le(0)
 *   head  = magic 0x60 (version 1, independent blocks) 0x40 (64 KiB a block) 0x82 (its checksum)
 *
 * The upper bit of a length says that the block stands as it is.
 */
const HEAD = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
const BLOCK_BYTES = 64 * 1024;
const AS_IT_IS = 0x80000000;

/** Packs a part of `source` that begins at `from`; 0: it got no smaller. The table comes empty. */
export type CompressBlock = (
  source: Uint8Array,
  target: Uint8Array,
  from: number,
  length: number,
  table: Uint32Array,
) => number;

export function lz4Frame(bytes: Uint8Array, compressBlock: CompressBlock): Uint8Array {
  const parts: Uint8Array[] = [HEAD];
  const table = new Uint32Array(65_536);
  const packed = new Uint8Array(BLOCK_BYTES + 1024);
  for (let at = 0; at < bytes.byteLength; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    table.fill(0);
    const length = compressBlock(block, packed, 0, block.byteLength, table);
    const isSmaller = length > 0 && length < block.byteLength;
    parts.push(
      ...(isSmaller
        ? [uint32(length), packed.slice(0, length)]
        : [uint32(block.byteLength + AS_IT_IS), block]),
    );
  }
  parts.push(uint32(0));
  return Buffer.concat(parts);
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
