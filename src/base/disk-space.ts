import { statfs } from "node:fs/promises";

/** The room of a file system. */
export interface DiskSpace {
  /** What a process without privileges may still write. */
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** The room on the file system that holds this path. */
export async function spaceOf(path: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
}
