import { promisify } from "node:util";
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";

/** How blocks are packed: on threads of their own, or at once, for whom every step must be the same again. */
export interface Packing {
  deflate(bytes: Uint8Array): Promise<Uint8Array>;
  /** Rejects when there is more than so many bytes. */
  inflate(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array>;
}

/** The fastest: what is packed is small texts that repeat each other, and the disk is faster than more. */
const LEVEL = 1;
/** zlib takes no smaller piece. */
const LEAST_CHUNK_BYTES = 64;

/** All of a block comes in one piece: each further one is a way to another thread and back. */
const chunkOf = (bytes: number) => ({ chunkSize: Math.max(LEAST_CHUNK_BYTES, bytes) });

const packed = (bytes: Uint8Array) => ({ level: LEVEL, ...chunkOf(bytes.byteLength) });

const unpacked = (maxBytes: number) => ({ maxOutputLength: maxBytes, ...chunkOf(maxBytes) });

const deflate = promisify<Uint8Array, ReturnType<typeof packed>, Buffer>(deflateRaw);
const inflate = promisify<Uint8Array, ReturnType<typeof unpacked>, Buffer>(inflateRaw);

export const threadedPacking: Packing = {
  deflate: (bytes) => deflate(bytes, packed(bytes)),
  inflate: (bytes, maxBytes) => inflate(bytes, unpacked(maxBytes)),
};

export const stepwisePacking: Packing = {
  deflate: async (bytes) => deflateRawSync(bytes, packed(bytes)),
  inflate: async (bytes, maxBytes) => inflateRawSync(bytes, unpacked(maxBytes)),
};
