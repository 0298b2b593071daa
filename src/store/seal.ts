import { crc32 } from "node:zlib";

const SEAL_BYTES = 4;

/**
 * LevelDB keeps a checksum per block, but this binding never compares it: one flipped bit in a table is
 * returned as a value. So each value carries its own, over its key too:
 *
 *   sealed = value crc
 *   crc    = CRC-32 of key and value, begun with the salt; 4 bytes, little-endian
 *
 * The salt is the database's own (owner.ts): a value of another one fails its checksum here.
 */
export function seal(key: Uint8Array, value: Uint8Array, salt = 0): Uint8Array {
  const sealed = Buffer.allocUnsafe(value.byteLength + SEAL_BYTES);
  sealed.set(value, 0);
  sealed.writeUInt32LE(checksum(key, value, salt), value.byteLength);
  return sealed;
}

/** The value inside (not a copy), or undefined when it is not what was sealed under this key. */
export function unseal(key: Uint8Array, sealed: Uint8Array, salt = 0): Uint8Array | undefined {
  const valueBytes = sealed.byteLength - SEAL_BYTES;
  if (valueBytes < 0) return undefined;
  const value = sealed.subarray(0, valueBytes);
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  return view.getUint32(valueBytes, true) === checksum(key, value, salt) ? value : undefined;
}

function checksum(key: Uint8Array, value: Uint8Array, salt: number): number {
  return crc32(value, crc32(key, salt));
}
