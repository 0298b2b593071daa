import { readFile } from "node:fs/promises";

/** Of the kernel's counters of CPU time, on every common Linux. */
const MS_PER_TICK = 10;

/**
 * As the kernel counts them, in bytes: now, and at most so far; and what of it is no file, such as the tables of a
 * LevelDB, which count as they are looked at and go when others need the room.
 */
export async function memoryOf(pid: number): Promise<{
  readonly rssBytes: number;
  readonly peakBytes: number;
  readonly anonymousBytes: number;
}> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
  return {
    rssBytes: kib("VmRSS") * 1024,
    peakBytes: kib("VmHWM") * 1024,
    anonymousBytes: kib("RssAnon") * 1024,
  };
}

/** Of all threads of a process so far, as the kernel counts it: in steps of 10 ms. */
export async function cpuMsOf(pid: number): Promise<number> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
