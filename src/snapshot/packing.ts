import { promisify } from "node:util";
import { constants, createDeflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";

/** How blocks are packed: on threads of their own, or at once, for whom every step must be the same again. */
export interface Packing {
  /** The bytes may be changed when it has settled. */
  deflate(bytes: Uint8Array): Promise<Uint8Array>;
  /** Rejects when there is more than so many bytes. */
  inflate(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array>;
}

/** The fastest: what is packed is small texts that repeat each other, and the disk is faster than more. */
const LEVEL = 1;
/** zlib takes no smaller piece. */
const LEAST_CHUNK_BYTES = 64;
/** Packed blocks are cut from pieces of so much: most are in one piece, each further one is a way to a thread and back. */
const DEFLATED_CHUNK_BYTES = 512 * 1024;
/** That have nothing to pack and are kept for the next: three quarters of a MiB each. */
const IDLE_DEFLATERS = 4;

/**
 * Packs one block after another in the same quarter of a MiB that zlib wants for one: made anew for each, it
 * would be as much to collect as what is packed, outside the heap, where it is collected late.
 */
class Deflater {
  readonly #stream = createDeflateRaw({
    ...{ level: LEVEL, chunkSize: DEFLATED_CHUNK_BYTES },
    flush: constants.Z_FINISH, // what is written at once is all of a block
  });
  #packed: Uint8Array[] = [];

  constructor() {
    this.#stream.on("data", (chunk: Uint8Array) => this.#packed.push(chunk));
    this.#stream.on("error", () => {}); // whoever waits for the write hears of it
  }

  deflate(bytes: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => {
        if (error) return reject(error);
        while (this.#stream.read() !== null); // what has not been handed over yet
        this.#stream.reset();
        const packed = this.#packed;
        this.#packed = [];
        const [only] = packed;
        resolve(only !== undefined && packed.length === 1 ? only : Buffer.concat(packed));
      });
    });
  }
}

const idle: Deflater[] = [];

async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  const deflater = idle.pop() ?? new Deflater();
  const packed = await deflater.deflate(bytes);
  // One that failed is not used again.
  if (idle.length < IDLE_DEFLATERS) idle.push(deflater);
  return packed;
}

/** All of a block comes in one piece. */
const unpacked = (maxBytes: number) => {
  return { maxOutputLength: maxBytes, chunkSize: Math.max(LEAST_CHUNK_BYTES, maxBytes) };
};

const inflate = promisify<Uint8Array, ReturnType<typeof unpacked>, Buffer>(inflateRaw);

export const threadedPacking: Packing = {
  deflate,
  inflate: (bytes, maxBytes) => inflate(bytes, unpacked(maxBytes)),
};

export const stepwisePacking: Packing = {
  deflate: async (bytes) => deflateRawSync(bytes, { level: LEVEL }),
  inflate: async (bytes, maxBytes) => inflateRawSync(bytes, unpacked(maxBytes)),
};
