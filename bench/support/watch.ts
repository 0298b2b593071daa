import { writeFile } from "node:fs/promises";
import { cpuMsOf, memoryOf } from "./process-figures.ts";

/** A process that takes part in a measurement, by what it does in it. */
export interface Watched {
  readonly role: "runtime" | "functions" | "broker";
  readonly pid: number;
}

/** What a process took for something. */
export interface Spent {
  readonly role: Watched["role"];
  /** Of all its threads. */
  readonly cpuMs: number;
  readonly peakBytes: number;
}

/** Runs `work`, and tells what each process took meanwhile. */
export async function watching<T>(
  processes: readonly Watched[],
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly spent: readonly Spent[] }> {
  for (const { pid } of processes) await forgetPeak(pid);
  const before = await Promise.all(processes.map(({ pid }) => cpuMsOf(pid)));
  const result = await work();
  const spent = await Promise.all(
    processes.map(async ({ role, pid }, at): Promise<Spent> => {
      const cpuMs = (await cpuMsOf(pid)) - (before[at] ?? 0);
      return { role, cpuMs, peakBytes: (await memoryOf(pid)).peakBytes };
    }),
  );
  return { result, spent };
}

export function spentBy(spent: readonly Spent[], role: Watched["role"]): Spent {
  const nothing = { role, cpuMs: Number.NaN, peakBytes: Number.NaN };
  return spent.find((one) => one.role === role) ?? nothing;
}

/** Has the kernel count the most memory of a process anew (see proc(5), clear_refs). */
async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}
