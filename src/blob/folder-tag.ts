import type { BigIntStats } from "node:fs";

/**
 * Tells one version of an object from the next: files are never changed in place, a new one is a new file beside
 * the old, so that it has another inode, and its own time of writing should the number come round again.
 */
export function tagOf(stat: BigIntStats): string {
  return [stat.ino, stat.size, stat.mtimeNs].map((each) => each.toString(36)).join("-");
}
