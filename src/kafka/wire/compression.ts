import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { unsnappy } from "../../base/snappy.ts";
import type { Compression } from "../contract.ts";
import { KafkaProtocolError } from "../error.ts";
import { lz4Frame } from "./lz4-frame.ts";
import { snappyBlocks, snappyFrame } from "./snappy-frame.ts";
import { zstdContentSize } from "./zstd-frame.ts";

/** The packages are loaded when the first batch needs them: few topics use more than one kind. */
interface Codec {
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  /** Never gives more than `maxBytes`, whatever the input claims. */
  decompress(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array>;
}

/** In the order of the numbers that batches name them by. */
export const COMPRESSIONS: readonly Compression[] = ["none", "gzip", "snappy", "lz4", "zstd"];

export async function compress(kind: Compression, bytes: Uint8Array): Promise<Uint8Array> {
  return kind === "none" ? bytes : await CODECS[kind].compress(bytes);
}

/** @throws KafkaProtocolError when the bytes cannot be unpacked, or would be more than `maxBytes` */
export async function decompress(
  kind: Compression,
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Uint8Array> {
  if (kind === "none") return bytes;
  try {
    return await CODECS[kind].decompress(bytes, maxBytes);
  } catch (error) {
    if (error instanceof KafkaProtocolError) throw error;
    throw new KafkaProtocolError(`a batch cannot be unpacked as ${kind}`, { cause: error });
  }
}

const gunzipAsync = promisify(gunzip);
const gzipAsync = promisify(gzip);

const CODECS: Readonly<Record<Exclude<Compression, "none">, Codec>> = {
  gzip: {
    compress: (bytes) => gzipAsync(bytes),
    decompress: (bytes, maxBytes) => gunzipAsync(bytes, { maxOutputLength: maxBytes }),
  },
  snappy: {
    async compress(bytes) {
      const snappy = await import("snappyjs");
      return snappyFrame(snappy.default.compress(bytes));
    },
    async decompress(bytes, maxBytes) {
      const parts: Uint8Array[] = [];
      let total = 0;
      for (const block of snappyBlocks(bytes)) {
        const part = unsnappy(block, maxBytes - total);
        total += part.byteLength;
        parts.push(part);
      }
      return Buffer.concat(parts);
    },
  },
  lz4: {
    async compress(bytes) {
      const lz4 = await import("lz4js");
      return lz4Frame(bytes, lz4.default.compressBlock);
    },
    async decompress(bytes, maxBytes) {
      const lz4 = await import("lz4js");
      checkSize(lz4.default.decompressBound(bytes), maxBytes + LZ4_BLOCK_BYTES);
      return lz4.default.decompress(bytes);
    },
  },
  zstd: {
    async compress(bytes) {
      const zstd = await loadZstd();
      return zstd.compress(Buffer.from(bytes), 3);
    },
    async decompress(bytes, maxBytes) {
      const zstd = await loadZstd();
      const claimed = zstdContentSize(bytes);
      checkSize(claimed ?? 0, maxBytes);
      for (let size = claimed ?? Math.min(maxBytes, 8 * bytes.byteLength + 65_536); ; size *= 4) {
        try {
          return zstd.decompress(Buffer.from(bytes), { defaultHeapSize: Math.min(size, maxBytes) });
        } catch (error) {
          if (claimed !== undefined || size >= maxBytes) throw error;
        }
      }
    },
  },
};

/** The bound of a frame counts its last block as full, whatever is in it. */
const LZ4_BLOCK_BYTES = 4 * 1024 * 1024;

function checkSize(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new KafkaProtocolError(`a batch of ${bytes} bytes unpacked; ${maxBytes} are the limit`);
}

let zstdPackage: Promise<typeof import("@bokuweb/zstd-wasm")> | undefined;

function loadZstd(): Promise<typeof import("@bokuweb/zstd-wasm")> {
  zstdPackage ??= import("@bokuweb/zstd-wasm").then(async (zstd) => {
    await zstd.init();
    return zstd;
  });
  return zstdPackage;
}
