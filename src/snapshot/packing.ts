import { promisify } from "node:util";
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";

/** How blocks are packed: on threads of their own, or at once, for whom every step must be the same again. */
export interface Packing {
  deflate(bytes: Uint8Array): Promise<Uint8Array>;
  /** Rejects when there is more than so many bytes. */
  inflate(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array>;
}

/** The fastest: what is packed is small texts that repeat each other, and the disk is faster than more. */
const LEVEL = { level: 1 } as const;

const deflate = promisify<Uint8Array, typeof LEVEL, Buffer>(deflateRaw);
const inflate = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflateRaw);

export const threadedPacking: Packing = {
  deflate: (bytes) => deflate(bytes, LEVEL),
  inflate: (bytes, maxBytes) => inflate(bytes, { maxOutputLength: maxBytes }),
};

export const stepwisePacking: Packing = {
  deflate: async (bytes) => deflateRawSync(bytes, LEVEL),
  inflate: async (bytes, maxBytes) => inflateRawSync(bytes, { maxOutputLength: maxBytes }),
};
