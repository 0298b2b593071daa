import { crc32c as sum } from "@node-rs/crc32";

/** CRC-32C (Castagnoli), which LevelDB and Kafka use and node:zlib lacks; with the processor's own instruction. */
export function crc32c(bytes: Uint8Array): number {
  return sum(bytes);
}

/** As LevelDB stores it: so that a sum over bytes which hold sums is not itself degenerate. */
export function blockChecksum(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
