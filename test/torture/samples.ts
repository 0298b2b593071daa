/** What a process takes of the machine, seen from outside, over a stretch of time. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export interface Sample {
  readonly rssBytes: number;
  readonly descriptors: number;
}

/** Undefined when the process is gone, or the machine has no /proc. */
export function sampleOf(pid: number): Sample | undefined {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    const rssBytes = pages * 4096;
    return { rssBytes, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return undefined;
  }
}

/** Median of the first third and of the last third. */
export function thirds(values: readonly number[]): readonly [number, number] {
  const third = Math.max(1, Math.floor(values.length / 3));
  return [median(values.slice(0, third)), median(values.slice(-third))];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Bytes and files below a folder; what vanishes meanwhile does not count. */
export function sizeOf(folder: string): { readonly bytes: number; readonly files: number } {
  const sum = { bytes: 0, files: 0 };
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    try {
      sum.bytes += statSync(join(entry.parentPath, entry.name)).size;
      sum.files++;
    } catch {
      // It is gone.
    }
  }
  return sum;
}
