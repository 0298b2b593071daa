import { utf8Length, writeUtf8 } from "../base/bytes.ts";

/** For ids, one after the other. */
let scratch = new Uint8Array(256);

/**
 * Kafka's default partitioner, on the id alone: toPositive(murmur2(utf8(id))) mod count. So a topic keyed
 * by id needs no shuffle, and functions of different types with the same id are neighbours.
 */
export function partitionOf(id: string, count: number): number {
  if (count === 1) return 0;
  const bytes = utf8Length(id);
  if (bytes > scratch.byteLength) scratch = new Uint8Array(2 * bytes);
  writeUtf8(scratch, 0, id, bytes);
  return (murmur2(scratch, bytes) & 0x7fffffff) % count;
}

/** The same for a record's key. */
export function partitionOfBytes(key: Uint8Array, count: number): number {
  return (murmur2(key) & 0x7fffffff) % count;
}

/** MurmurHash2, 32 bits, with the seed Kafka's Java clients use (org.apache.kafka.common.utils.Utils). */
export function murmur2(data: Uint8Array, length = data.byteLength): number {
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ length;
  const words = length >> 2;
  for (let i = 0; i < words; i++) {
    const at = i * 4;
    let k =
      (data[at] ?? 0) |
      ((data[at + 1] ?? 0) << 8) |
      ((data[at + 2] ?? 0) << 16) |
      ((data[at + 3] ?? 0) << 24) |
      0;
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const tail = words * 4;
  const rest = length & 3;
  if (rest === 3) h ^= (data[tail + 2] ?? 0) << 16;
  if (rest >= 2) h ^= (data[tail + 1] ?? 0) << 8;
  if (rest >= 1) h = Math.imul(h ^ (data[tail] ?? 0), m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}
