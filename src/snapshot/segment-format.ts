/**
 * A segment: a run of changes in the order of their keys, part of one partition's share of a snapshot.
 *
 *   segment = magic block* end
 *   magic   = "SFSEG" 00 version            version is 2 bytes
 *   block   = packed:4 raw:4 codec crc:4 payload
 *   packed  = how many bytes the payload has; not 0
 *   raw     = how many it has unpacked
 *   codec   = 00 as it is / 01 deflate, without header
 *   crc     = CRC-32 of packed, raw, codec and payload
 *   payload = change+                       packed; ascending keys, none twice, over all blocks
 *   change  = varint(key bytes) varint(0) key                 the key is gone
 *           / varint(key bytes) varint(1 + value bytes) key value
 *   end     = 00 00 00 00 changes:8 sha     SHA-256 of everything before it, 32 bytes
 *
 * Numbers are big-endian. A block ends with the change that reaches BLOCK_BYTES; so one is larger only by the
 * last value in it. Versions, of which a new one comes with a new format of the manifest that names it:
 *
 *   1  the first
 */
import { crc32 } from "node:zlib";
import { StatefoldError } from "../base/errors.ts";

export const SEGMENT_VERSION = 1;

/** Of a block's payload, unpacked, about. */
export const BLOCK_BYTES = 256 * 1024;

export const MAGIC_BYTES = 8;
export const BLOCK_HEAD_BYTES = 13;
/** Behind the four zeros. */
export const END_BYTES = 8 + 32;

export const CODEC = { plain: 0, deflate: 1 } as const;

/** One key that a segment speaks of. */
export interface Change {
  readonly key: Uint8Array;
  /** Undefined: it is gone. */
  readonly value: Uint8Array | undefined;
}

/** What is known of a segment once it is written, and compared when it is read. */
export interface SegmentSums {
  /** Of the whole file. */
  readonly bytes: number;
  /** Of keys and values, unpacked. */
  readonly rawBytes: number;
  readonly changes: number;
  /** In hex, as at its end: of everything before. */
  readonly sha256: string;
}

export function magic(): Buffer {
  const bytes = Buffer.from("SFSEG\0\0\0", "latin1");
  bytes.writeUInt16BE(SEGMENT_VERSION, 6);
  return bytes;
}

/**
 * @param isNamed a manifest of this version names it, and such a one names no newer segments: it is damaged then
 * @throws StatefoldError SNAPSHOT_CORRUPT, SNAPSHOT_FORMAT
 */
export function checkMagic(name: string, bytes: Buffer, isNamed: boolean): void {
  if (bytes.toString("latin1", 0, 6) !== "SFSEG\0") throw damaged(name, "it is no segment");
  const version = bytes.readUInt16BE(6);
  if (version >= 1 && version <= SEGMENT_VERSION) return;
  if (isNamed) throw damaged(name, `it says that it is in format ${version}`);
  throw new StatefoldError(
    "SNAPSHOT_FORMAT",
    `segment ${name} is in format ${version}, this version reads up to ${SEGMENT_VERSION}: a newer statefold wrote it, run that version or a later one`,
  );
}

export function blockHead(packed: Uint8Array, rawBytes: number, codec: number): Buffer {
  const head = Buffer.alloc(BLOCK_HEAD_BYTES);
  head.writeUInt32BE(packed.byteLength, 0);
  head.writeUInt32BE(rawBytes, 4);
  head.writeUInt8(codec, 8);
  head.writeUInt32BE(blockChecksum(head, packed), 9);
  return head;
}

export function blockChecksum(head: Buffer, packed: Uint8Array): number {
  return crc32(packed, crc32(head.subarray(0, 9)));
}

export function damaged(name: string, why: string): StatefoldError {
  return new StatefoldError("SNAPSHOT_CORRUPT", `segment ${name} is damaged: ${why}`);
}

/** Bytes that a varint of this number takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

export function writeVarint(into: Buffer, value: number, start: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) + 128;
  into[at++] = rest;
  return at;
}
