/** Comes without types: what is used of it. */
declare module "lz4js" {
  /** At most so many bytes come out of a frame. Throws when it is none. */
  export function decompressBound(frame: Uint8Array): number;
  export function decompress(frame: Uint8Array, maxSize?: number): Uint8Array;
  /** `table`: 65,536 zeros. Gives the length, or 0 when nothing was packed. */
  export function compressBlock(
    source: Uint8Array,
    target: Uint8Array,
    from: number,
    length: number,
    table: Uint32Array,
  ): number;
}
