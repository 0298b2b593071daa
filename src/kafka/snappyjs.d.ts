/** Comes without types: what is used of it. */
declare module "snappyjs" {
  /** A block, without a frame. */
  export function compress(bytes: Uint8Array): Uint8Array;
}
