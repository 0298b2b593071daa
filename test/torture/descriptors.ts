/** The descriptors of a process: how many it has, and how many it may have. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

/** What the tortured processes may have open at most, connections included. */
export const NOFILE = 256;

export function openDescriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

export function limitDescriptors(pid: number, soft: number): boolean {
  const words = ["--pid", String(pid), `--nofile=${soft}:${NOFILE}`];
  return spawnSync("prlimit", words, { stdio: "ignore" }).status === 0;
}
